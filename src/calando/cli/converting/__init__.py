"""What `calando convert` does: reads what was given, measures both curves, and says what came out."""
