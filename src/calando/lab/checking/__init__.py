"""Testing the run contract: which short runs to make, what they say about each promise, and where to look."""
