"""Calando: learning-rate schedules as values."""
