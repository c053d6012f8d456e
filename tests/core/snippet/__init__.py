"""Exported programs, run as they are."""
