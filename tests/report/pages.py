"""Pages read back: the data inside, the scripts, and what a name must not have become."""

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

import tensorbundle as tb

# Names that are markup, end a script, leave a string, turn writing round, or are no text at all.
HOSTILE = [
    "<script>window.broken = 1</script>",
    "</script><img src=x onerror='window.broken = 2'>",
    "a\"quote's",
    "back\\slash",
    "bidi\u202egnp.exe",
    "\u05e9\u05dc\u05d5\u05dd/kernel",
    "new\nline",
    "null\0byte",
    b"not\xffutf-8".decode("utf-8", "surrogateescape"),
    "`${window.broken = 3}`",
    "=cmd()",
    "&amp;&lt;",
    "x" * 3000,
    "<!-- data -->",
    "__proto__/constructor",
    "constructor",
]


def data_of(page: Path) -> dict[str, Any]:
    """The data of a page."""
    found = re.search(r'id="data">([^<]*)<', page.read_text("utf-8"))
    assert found
    data: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(found[1])))
    return data


def made(folder: Path, *sides: Any, **options: Any) -> tuple[tb.ReportPage, dict[str, Any]]:
    """A page, and its data."""
    page = tb.report(*sides, path=folder / "report.html", overwrite=True, **options)
    return page, data_of(Path(page.path))


def rows(data: dict[str, Any]) -> dict[str, int]:
    """Numbers of rows by the names that are shown."""
    return {name: number for number, name in enumerate(data["tensors"]["name"])}


def column(data: dict[str, Any], key: str) -> dict[str, Any]:
    """A column of values by name."""
    return dict(zip(data["tensors"]["name"], data["values"][key], strict=True))


def checksum(script: str) -> str:
    """The checksum by which a page allows a script."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def many_kinds() -> dict[str, Any]:
    """Tensors of every kind of number, and of what is worth a look."""
    random = np.random.default_rng(3)
    return {
        "layer_0/w": random.normal(size=(30, 20)).astype(np.float32),
        "layer_1/w": random.normal(3, 2, size=(30, 20)).astype(np.float32),
        "layer_2/w": random.normal(size=(30, 20)).astype(np.float32),
        "half": random.normal(size=500).astype(np.float16),
        "brain": random.normal(size=500).astype(ml_dtypes.bfloat16),
        "double": random.normal(size=(7, 9)),
        "complex": random.normal(size=9).astype(np.complex64) * 1j,
        "small": np.arange(-8, 8).astype(ml_dtypes.int4),
        "wide": np.array([-(2**63), 2**63 - 1]),
        "unsigned": np.array([0, 2**64 - 1], np.uint64),
        "flags": np.array([True, False, True]),
        "huge": np.array([-3e38, 3e38], np.float32),
        "most": np.array([-1.7e308, 1.7e308]),
        "least": np.array([5e-324, 0.0]),
        "sick": np.array([1, np.nan, np.inf, -np.inf, 2], np.float32),
        "nothing": np.array([np.nan, np.nan], np.float32),
        "zero": np.zeros(11, np.float32),
        "constant": np.full(7, 3.5, np.float32),
        "empty": np.zeros((0, 3), np.float32),
        "scalar": np.float32(2.5),
        "names": np.array([b"x", b"y"], object),
        "global_step": np.int64(1000),
    }
