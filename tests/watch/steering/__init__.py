"""Steering: exact, safe, and the same in every process."""
