"""Pages of the site that are made of what the project has elsewhere: one fact, one room."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

from docs.commands import page

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

PROJECT = Path(__file__).parent.parent
PLOTS = ("ratios.svg", "times.svg")


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """Add the command's reference, the map of the house, the changes, and the plots."""
    pages = {
        "commands.md": page(),
        "benchmarks.md": _benchmarks(),
        "architecture.md": _unlinked("ARCHITECTURE.md"),
        "changelog.md": _unlinked("CHANGELOG.md"),
        "security.md": _unlinked("SECURITY.md"),
    }
    for name, content in pages.items():
        files.append(File.generated(config, name, content=content))
    for name in PLOTS:
        plot = PROJECT / "benchmarks" / "results" / name
        files.append(File.generated(config, f"plots/{name}", abs_src_path=str(plot)))
    return files


def _unlinked(name: str) -> str:
    """A page of the project without links to files, which the site does not have."""
    text = (PROJECT / name).read_text("utf-8")
    text = re.sub(r"!\[[^]]*\]\((?!https?:)[^)]*\)", "", text)
    return re.sub(r"\[([^]]+)\]\((?!https?:|#)[^)]*\)", r"\1", text)


def _benchmarks() -> str:
    """What is said of the benchmarks, with all plots."""
    plots = "\n".join(f"![{name.removesuffix('.svg')}](plots/{name})\n" for name in PLOTS)
    return f"{_unlinked('benchmarks/README.md')}\n{plots}"
