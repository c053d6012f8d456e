"""Small trainings of many kinds, many runs of one in a single batch: what `find` is judged on beside its four."""
