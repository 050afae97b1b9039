"""Pages of the cookbook that need large libraries."""

from pathlib import Path

import pytest

from tests.docs.pages import PAGES


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    "name", sorted(name for name, page in PAGES.items() if page.needs & {"torch", "jax"})
)
def test_a_page_shows_what_comes_out(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    PAGES[name].run()
