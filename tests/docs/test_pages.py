"""The documentation is run, page by page; what its checkpoints hold is restored by TensorFlow."""

import importlib.util
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from docs.commands import MANUAL, commands, manual, page
from tests.docs.pages import DOCS, PAGES
from tests.places import PROJECT
from tests.train.savers import Savers as TensorFlow

CLIENTS = {"torch", "jax"}  # whose pages tests/clients runs
RUN_HERE = sorted(name for name, each in PAGES.items() if each.blocks and not each.needs & CLIENTS)


def check_savers(tensorflow: TensorFlow) -> None:
    zeros = {"dense/kernel": [[9.0] * 3] * 2, "dense/bias": [0.0] * 3}
    newest = tensorflow.latest_checkpoint(os.path.abspath("run"))
    assert tensorflow.restore(newest, zeros)["dense/bias"] == [10.0] * 3
    assert tensorflow.restore(os.path.abspath("run/best"), zeros)["dense/kernel"] == [[0.0] * 3] * 2


def check_subsets(tensorflow: TensorFlow) -> None:
    path = os.path.abspath("named.ckpt")
    assert tensorflow.restore(path, {"v1": [0.0, 0.0]}, {"my_v1": "v1"}) == {"v1": [1.0, 2.0]}
    renamed = tensorflow.restore(os.path.abspath("theirs.ckpt"), {"encoder/v1": [0.0, 0.0]})
    assert renamed == {"encoder/v1": [1.0, 2.0]}


def check_manager(tensorflow: TensorFlow) -> None:
    newest = tensorflow.latest_checkpoint(os.path.abspath("tf_ckpts"))
    tree = {"step": 0.0, "net": {"l1": {"kernel": [[0.0] * 5], "bias": [1.0] * 5}}}
    restored, _ = tensorflow.restore_objects(newest, tree)
    assert restored == {"step": 50.0, "net": {"l1": {"kernel": [[25.0] * 5], "bias": [0.0] * 5}}}


def restores(path: str, **expected: list[float]) -> Callable[[TensorFlow], None]:
    """A check that TensorFlow restores these values by name; ``__`` stands for a slash."""

    def check(tensorflow: TensorFlow) -> None:
        named = {name.replace("__", "/"): value for name, value in expected.items()}
        untrained = {name: np.full_like(value, -5).tolist() for name, value in named.items()}
        assert tensorflow.restore(os.path.abspath(path), untrained) == named

    return check


def restores_like_the_demo(path: str, *names: str, scope: str = "") -> Callable[[TensorFlow], None]:
    def check(tensorflow: TensorFlow) -> None:
        weights = {scope + name: tb.open("run")[name].tolist() for name in names}
        untrained = {name: np.zeros_like(value).tolist() for name, value in weights.items()}
        assert tensorflow.restore(os.path.abspath(path), untrained) == weights

    return check


CHECKS: dict[str, Callable[[TensorFlow], None]] = {
    "cookbook/savers.md": check_savers,
    "cookbook/subsets.md": check_subsets,
    "cookbook/manager.md": check_manager,
    "cookbook/ema.md": restores("served.ckpt", dense__bias=[7.0, 8.0, 9.0]),
    "cookbook/average.md": restores("averaged", w=[800.0] * 3),
    "cookbook/slim.md": restores_like_the_demo("slim/model.ckpt", "dense/bias", "conv1/bias"),
    "cookbook/finetune.md": restores_like_the_demo("start.ckpt", "conv1/bias", scope="backbone/"),
    "cookbook/convert.md": restores("back.ckpt", net__layer_0__bias=[0.0] * 3),
    "cookbook/damaged.md": restores("saved/model.ckpt-7", layer_1=[1.0] * 250),
}


@pytest.mark.parametrize("name", RUN_HERE)
def test_a_page_shows_what_comes_out(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    if name == "cookbook/predict.md":
        np.save("images.npy", np.zeros((2, 28, 28, 1), np.float32))
    PAGES[name].run()
    if (check := CHECKS.get(name)) is not None:
        check(request.getfixturevalue("tensorflow"))


def test_checks_are_of_pages_that_are_run() -> None:
    assert CHECKS.keys() <= set(RUN_HERE)
    assert {need for each in PAGES.values() for need in each.needs} == {
        *("run", "openvino", "fsspec", "dask"),
        *CLIENTS,
    }


def test_a_page_that_lies_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.docs.pages import Block, Page

    monkeypatch.chdir(tmp_path)
    for block in (
        Block(1, "pycon", ">>> 1 + 1\n3\n"),
        Block(1, "console", "$ tensorbundle ls nosuch\n"),
        Block(1, "console", "$ tensorbundle --version\nnothing\n"),
    ):
        page = Page(DOCS / "index.md")
        monkeypatch.setattr(Page, "blocks", [block])
        with pytest.raises(AssertionError, match=r"index\.md"):
            page.run()


def test_the_smallest_index_has_the_bytes_that_the_page_of_the_format_shows(tmp_path: Path) -> None:
    text = (DOCS / "format.md").read_text("utf-8")
    section = text.partition("### 12.2 ")[2].partition("### 12.3 ")[0]
    rows = re.findall(r"^    [0-9a-f]{8} ((?: [0-9a-f]{2})+)$", section, re.MULTILINE)
    tb.save(tmp_path / "m", {"x": np.float32(1)})
    assert (tmp_path / "m.index").read_bytes() == bytes.fromhex("".join(rows))


# --- the site -------------------------------------------------------------------------------------


def test_every_page_is_in_the_navigation() -> None:
    named = set(
        re.findall(r"^ .*(?:: |- )([\w/-]+\.md)$", (PROJECT / "mkdocs.yml").read_text(), re.M)
    )
    made = {
        "commands.md",
        "architecture.md",
        "benchmarks.md",
        "changelog.md",
        "security.md",
    }  # by docs/hooks.py
    assert named == set(PAGES) | made


def test_the_manual_page_is_what_the_commands_say() -> None:
    assert MANUAL.read_text("utf-8") == manual(), "run: python -m docs.commands"


def test_the_reference_has_every_option_of_every_command() -> None:
    text = page()
    for name, command, context in commands():
        section = text.partition(f"## `{name}`\n")[2].partition("\n## `")[0]
        for option in command.get_params(context):
            if not getattr(option, "hidden", True):
                assert all(each in section for each in option.opts), (name, option.opts)


def test_every_public_name_is_in_the_api_reference() -> None:
    text = "".join(path.read_text("utf-8") for path in (DOCS / "api").glob("*.md"))
    documented = set(re.findall(r"^::: tensorbundle\.(\w+)$", text, re.MULTILINE))
    assert documented >= set(tb.__all__) - {"__version__", "train"}


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    assert importlib.util.find_spec("mkdocs") is not None
    import subprocess
    import sys

    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path)],
        cwd=PROJECT, capture_output=True, text=True,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    assert (tmp_path / "commands" / "index.html").stat().st_size > 10_000
