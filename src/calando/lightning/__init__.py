"""Lightning: what `configure_optimizers` returns, with the clock on the optimizer's own updates.

def configure_optimizers(self):                                           # in your LightningModule
    optimizer = torch.optim.AdamW(self.parameters(), lr=1e-3)
    return calando.lightning.configure(self, optimizer, "warmup(5%) | cosine()")
"""

from calando.lightning.door import configure, horizon
from calando.lightning.watching import watching

__all__ = ["configure", "horizon", "watching"]
