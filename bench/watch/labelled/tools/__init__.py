"""Runs that other tools trained and logged: their loops, their schedulers or ours at their doors, their files."""
