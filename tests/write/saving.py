"""What tests of saving compare: files by the ends of their names, arrays of strings."""

from pathlib import Path
from typing import Any

import numpy as np


def files(prefix: str | Path) -> dict[str, bytes]:
    """Everything whose name begins with the prefix, by the rest of the name."""
    prefix = Path(prefix)
    found = prefix.parent.glob("*")
    return {
        path.name.removeprefix(prefix.name): path.read_bytes()
        for path in found
        if path.name.startswith(prefix.name)
    }


def strings(*elements: bytes) -> np.ndarray[Any, Any]:
    array = np.empty(len(elements), object)
    array[:] = elements
    return array
