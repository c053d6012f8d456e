"""Named plans that people know, as thin compositions of shapes."""
