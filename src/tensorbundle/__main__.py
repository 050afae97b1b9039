"""Run the command line: ``python -m tensorbundle``."""

from .cli import main

if __name__ == "__main__":
    main()
