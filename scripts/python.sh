#!/bin/sh
# Print the Python that makes .venv: 3.11 or newer, able to make virtual environments.
# PYTHON=/path/to/python in front of `make` chooses it by hand.

able='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'

if [ -n "$PYTHON" ]; then
    if "$PYTHON" -c "$able" >/dev/null 2>&1; then
        command -v "$PYTHON"
        exit 0
    fi
    echo "given: PYTHON=$PYTHON, which cannot be used; allowed: Python 3.11 or newer with its venv and ensurepip modules
  at: scripts/python.sh
  do: name another, make test PYTHON=/path/to/python3.11, or leave PYTHON out and let one be found" >&2
    exit 1
fi

for candidate in python3.11 python3.12 python3.13 python3.14 python3 python; do
    if "$candidate" -c "$able" >/dev/null 2>&1; then
        command -v "$candidate"
        exit 0
    fi
done

echo "given: no Python here that can be used; allowed: Python 3.11 or newer with its venv and ensurepip modules
  at: scripts/python.sh, looking for python3.11 ... python3.14, python3, python
  do: install one (Debian, Ubuntu: apt-get install python3-venv; macOS: brew install python@3.11),
      or name it: make test PYTHON=/path/to/python3.11" >&2
exit 1
