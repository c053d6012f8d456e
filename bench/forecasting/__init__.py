"""The parts of bench/forecast.py."""
