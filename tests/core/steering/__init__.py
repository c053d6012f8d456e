"""Changes of a schedule under way."""
