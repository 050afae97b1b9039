"""Findings as SARIF 2.1.0, the form in which code hosts take results of scanners."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from .operations import KINDS

if TYPE_CHECKING:
    from .scan import Scan

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_of(scan: Scan, version: str) -> dict[str, Any]:
    """The document of a scan.

    Args:
        scan: What was found.
        version: Of this program.
    """
    kinds = list(KINDS)
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "tensorbundle",
                        "version": version,
                        "rules": [
                            {
                                "id": _id(kind),
                                "shortDescription": {"text": kind},
                                "fullDescription": {"text": KINDS[kind][1]},
                                "defaultConfiguration": {"level": KINDS[kind][0]},
                            }
                            for kind in kinds
                        ],
                    }
                },
                "artifacts": [{"location": {"uri": _uri(path)}} for path in scan.files],
                "results": [
                    {
                        "ruleId": _id(finding.kind),
                        "ruleIndex": kinds.index(finding.kind),
                        "level": finding.level,
                        "message": {"text": _printable(finding.message)},
                        "locations": [
                            {
                                "physicalLocation": {
                                    "artifactLocation": {
                                        "uri": _uri(finding.path),
                                        "index": scan.files.index(finding.path),
                                    }
                                },
                                "logicalLocations": [
                                    {"fullyQualifiedName": _printable(finding.node or "/")}
                                ],
                            }
                        ],
                    }
                    for finding in scan.findings
                ],
            }
        ],
    }


def _id(kind: str) -> str:
    return kind.replace(" ", "-").lower()


def _uri(path: str) -> str:
    return quote(os.fsencode(path.replace(os.sep, "/")))


def _printable(text: str) -> str:
    """Text without lone surrogates, which are no characters of JSON."""
    return text.encode("utf-8", "backslashreplace").decode()
