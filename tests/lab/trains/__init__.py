"""Train functions that workers load: tiny, pure Python, each with one habit."""
