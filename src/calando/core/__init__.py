"""Schedules as values: the core, which depends on nothing but the errors."""
