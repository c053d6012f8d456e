"""Keras has one backend per process: what is inside runs in a process of its own, see test_backends.py."""

import os

collect_ignore = [] if os.environ.get("CALANDO_INSIDE_KERAS") else ["inside"]
