"""One matrix: every named plan in every framework, against mpmath."""
