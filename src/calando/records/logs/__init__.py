"""Logs of other tools, and of ours, read into one form.

from calando.records.logs import read_logs
logs = read_logs("runs/*.csv", "out/checkpoint-500/trainer_state.json", "lightning_logs", "studies/digits")
log.name, log.kind, log.source
log.columns          {name: Column(steps, values)}   steps = updates made; values as logged
log.loss, log.val_loss, log.lr                       which column is what ("" for none)
log.told()           list[str]                       the same for a reader, and what was guessed and mended
log.losses()         Column                          what a law is fitted to: finite, > 0
log.rates()          array                           the learning rate of every update
log.diverged         int | None                      first step from which on no loss is finite any more
log.problems         Problem(file, line, what) ...   what was skipped
"""

from calando.records.logs.log import Column, Log, Problem
from calando.records.logs.read import read_logs

__all__ = ["Column", "Log", "Problem", "read_logs"]
