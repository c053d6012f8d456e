"""The search behind `tune`: what it knows, what it runs next, what it says."""
