"""A small PyTorch training with everything that can differ: dropout, batch norm, a shuffled loader, AdamW."""

import hashlib

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def fingerprint(model: nn.Module, optimizer: torch.optim.Optimizer) -> float:
    """All parameters, buffers and moments in one exact number."""
    digest = hashlib.sha256()
    for tensor in model.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    for state in optimizer.state_dict()["state"].values():
        for value in state.values():
            digest.update(value.numpy().tobytes())
    return float(int.from_bytes(digest.digest()[:6], "big"))


def train(run) -> None:
    torch.manual_seed(run.seed)
    chance = torch.Generator().manual_seed(run.seed)
    inputs = torch.randn(96, 8, generator=torch.Generator().manual_seed(7))
    targets = inputs.square().sum(1, keepdim=True).sqrt()
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=16, shuffle=True, generator=chance)
    model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scheduler = run.attach(optimizer)
    run.keep(model=model, optimizer=optimizer, scheduler=scheduler, loader=loader)
    for batch, wanted in run.steps(loader):
        loss = nn.functional.mse_loss(model(batch), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        run.log(train_loss=loss.item())
        if run.eval_due:
            model.eval()
            with torch.no_grad():
                run.log(val_loss=nn.functional.mse_loss(model(inputs), targets).item())
            model.train()
            run.log(state=fingerprint(model, optimizer))
