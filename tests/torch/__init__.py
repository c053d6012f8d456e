"""The PyTorch front door."""
