"""Everything TensorFlow leaves behind, without TensorFlow.

import tensorbundle as tb

ckpt = tb.open("run/model.ckpt-100")
ckpt["dense/kernel"]            # a zero-copy numpy array, its checksum checked
ckpt.load()                     # all of them, in memory of their own
ckpt.verify()                   # every checksum in the checkpoint
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ._checkpoint import Checkpoint
from ._open import open
from ._paths import Location
from ._tensor_info import TensorInfo
from ._verify import Fault, Report
from .errors import (
    ChecksumError,
    CompatibilityWarning,
    ConversionError,
    FormatError,
    MissingFileError,
    TensorBundleError,
    TensorNotFoundError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from . import train
    from ._average import Average, average
    from ._crosscheck import crosscheck
    from ._diff import Diff, diff
    from ._edit import Rewrite, rewrite
    from ._export import export
    from ._merge import Merge, merge
    from ._objects import ObjectGraph
    from ._relocate import Relocation, relocate
    from ._writer import Writer, save

__version__ = "0.1.0"

__all__ = [
    "Average",
    "Checkpoint",
    "ChecksumError",
    "CompatibilityWarning",
    "ConversionError",
    "Diff",
    "Fault",
    "FormatError",
    "Location",
    "Merge",
    "MissingFileError",
    "ObjectGraph",
    "Relocation",
    "Report",
    "Rewrite",
    "TensorBundleError",
    "TensorInfo",
    "TensorNotFoundError",
    "UnsupportedError",
    "Writer",
    "__version__",
    "average",
    "crosscheck",
    "diff",
    "export",
    "merge",
    "open",
    "relocate",
    "rewrite",
    "save",
    "train",
]

# Rooms that few need, by the public names in them.
_ROOMS: Final = {
    "Average": "._average",
    "average": "._average",
    "Diff": "._diff",
    "diff": "._diff",
    "Merge": "._merge",
    "merge": "._merge",
    "ObjectGraph": "._objects",
    "Relocation": "._relocate",
    "relocate": "._relocate",
    "Rewrite": "._edit",
    "rewrite": "._edit",
}


def __getattr__(name: str) -> Any:
    # `import tensorbundle` costs what numpy costs: what few need is imported when it is named.
    if name == "crosscheck":
        from ._crosscheck import crosscheck

        return crosscheck
    if name == "export":
        from ._export import export

        return export
    room = _ROOMS.get(name)
    if room is not None:
        from importlib import import_module

        return getattr(import_module(room, __name__), name)
    if name in ("Writer", "save"):
        from . import _writer

        return getattr(_writer, name)
    if name == "train":
        from importlib import import_module

        return import_module(".train", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
