"""Hugging Face Trainer: the optimizer and the scheduler that it takes, bound to the updates that it will make.

trainer = transformers.Trainer(model, args, train_dataset=data)
calando.transformers.drive(trainer, "warmup(5%) | cosine()")            # its own optimizer, and our schedule
trainer.train()
"""

from calando.peers.transformers import from_transformers
from calando.transformers.door import drive, horizon, pair
from calando.transformers.watching import watching

__all__ = ["drive", "from_transformers", "horizon", "pair", "watching"]
