"""Page of a report: data, scripts and styles in one file that asks for nothing.

Data are compressed JSON in base64, so no name in them can end a script; scripts put names into the
page as text. A policy in the page's head allows the scripts that are in it, by their checksums,
and no other; no picture, font or request from anywhere.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from html import escape
from importlib.resources import files
from typing import Any, Final

from .._printable import printable

_SCRIPTS: Final = (
    "vendor/tabulator-6.5.3.min.js",
    "vendor/d3-hierarchy-3.1.3.min.js",
    "words.js",
    "treemap.js",
    "tensors.js",
    "details.js",
    "outline.js",
    "page.js",
)
_STYLES: Final = ("vendor/tabulator-6.5.3.min.css", "page.css")
_LICENCES: Final = ("vendor/LICENSE-tabulator", "vendor/LICENSE-d3-hierarchy")


def page(title: str, document: dict[str, Any]) -> bytes:
    """Make the page about what is put down in a document."""
    assets = files(__package__).joinpath("assets")

    def read(name: str) -> str:
        return assets.joinpath(name).read_text("utf-8")

    scripts = [read(name) for name in _SCRIPTS]
    # A comment that names a map of the source would make browsers' tools ask for it.
    scripts = [each.partition("\n//# sourceMappingURL")[0].strip() for each in scripts]
    styles = [read(name).partition("\n/*# sourceMappingURL")[0].strip() for name in _STYLES]
    checksums = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
    policy = f"default-src 'none'; script-src {checksums}; style-src 'unsafe-inline'; img-src data:"
    raw = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    data = base64.b64encode(gzip.compress(raw, 9, mtime=0)).decode()
    licences = "\n\n".join(read(name).strip() for name in _LICENCES)
    parts = {
        "title": escape(printable(title, 200)),
        "policy": escape(policy),
        "styles": "".join(f"<style>{style}</style>\n" for style in styles),
        "scripts": "".join(f"<script>{script}</script>\n" for script in scripts),
        "data": data,
        "licences": escape(licences),
    }
    text = read("page.html")
    for name, content in parts.items():
        text = text.replace(f"<!-- {name} -->", content, 1)
    return text.encode()


def _sha256(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
