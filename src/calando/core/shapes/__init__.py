"""Shapes: leaf curves, one formula each."""
