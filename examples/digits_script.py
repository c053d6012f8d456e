"""A training script as people write them: not importable, arguments on its command line, everything at the top level.

    python examples/digits_script.py --width 64                          # by itself, under the default below
    calando run --plan "wsd(cooldown=40%)" --peak 0.2 -- python examples/digits_script.py --width 64
    calando compare --peaks 0.03 0.1 0.3 -- python examples/digits_script.py --width 64

Three lines make it so: `current_run`, `run.attach`, and `run.steps` around the loader; `run.keep` lets a run that was
interrupted go on where it stopped.
"""

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import calando

parser = argparse.ArgumentParser()
parser.add_argument("--width", type=int, default=32)
parser.add_argument("--batch", type=int, default=32)
arguments = parser.parse_args()

run = calando.current_run("warmup(5%) | cosine()", horizon=200, peak=0.1, evals=10)

images, labels = load_digits(return_X_y=True)
order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
images, labels = torch.tensor(images / 16 - 0.5, dtype=torch.float32)[order], torch.tensor(labels)[order]
chance = torch.Generator().manual_seed(run.seed)
loader = DataLoader(TensorDataset(images[:1000], labels[:1000]), arguments.batch, shuffle=True, generator=chance)

torch.manual_seed(run.seed)
model = nn.Sequential(nn.Linear(64, arguments.width), nn.ReLU(), nn.Linear(arguments.width, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = run.attach(optimizer)
run.keep(model=model, optimizer=optimizer, scheduler=scheduler, loader=loader)
loss_of = nn.CrossEntropyLoss()

for inputs, targets in run.steps(loader):
    loss = loss_of(model(inputs), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    run.log(train_loss=loss)
    if run.eval_due:
        with torch.no_grad():
            run.log(val_loss=loss_of(model(images[1000:]), labels[1000:]))

print(f"trained {sum(p.numel() for p in model.parameters())} weights at width {arguments.width}")
