"""Entrance for ``python -m tensorbundle.shim script.py …``."""

import sys

from .script import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
