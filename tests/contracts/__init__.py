"""What holds for the whole house, read from its source."""
