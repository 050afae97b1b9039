"""Run the command line: ``python -m tensorbundle``, and the script ``tensorbundle``."""

from __future__ import annotations

import importlib.util
import sys
from typing import Final

_NEEDED: Final = ("click", "rich")  # what the extra `cli` brings; the library needs neither
_UNUSABLE: Final = 2


def main() -> None:
    """Run the command line of this process, or say what is missing for it."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"tensorbundle: error: the command needs {' and '.join(missing)}, the library does "
            f"not: pip install {' '.join(missing)}\n"
        )
        sys.exit(_UNUSABLE)
    from .cli import main as run

    run()


if __name__ == "__main__":
    main()
