"""What watching costs, and whether what it says is true."""
