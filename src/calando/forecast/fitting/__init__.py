"""Fitting laws to curves, and what is not to be believed of a fit."""
