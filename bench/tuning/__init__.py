"""What `bench/tune.py` is made of: the reference grids, their records, the rivals, and regret measured afresh."""
