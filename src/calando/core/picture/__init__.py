"""Pictures of schedules: what is drawn, as data, and its SVG. Nothing is needed but NumPy."""
