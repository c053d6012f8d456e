"""Schedules in other libraries' own words, held against the living libraries."""
