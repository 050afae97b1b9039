"""Pictures for the documentation: pages of `tensorbundle report` in Chromium, light and dark.

Run by ``make screenshots``. What is on them is made here: a small transformer, trained a little.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import tensorbundle as tb
from tests.page.browser import chromium, open_page
from tests.places import PROJECT

FOLDER = PROJECT / "docs" / "images"
LAYERS, WIDTH, WORDS = 6, 96, 2000


BY_DEVIATION = """
    const select = document.querySelector("#sizes select");
    select.value = "standard deviation"; select.dispatchEvent(new Event("change"));
"""


def at(section: str) -> str:
    """Scroll to a section."""
    return f"document.getElementById({section!r}).scrollIntoView();"


def transformer(seed: int) -> dict[str, np.ndarray[Any, Any]]:
    """Weights of a transformer with what Adam keeps for them."""
    random = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray[Any, Any]:
        return random.normal(0, shape[0] ** -0.5, shape).astype(np.float32)

    weights = {"embedding/table": normal(WORDS, WIDTH)}
    for n in range(LAYERS):
        scope = f"encoder/layer_{n}"
        for name in ("query", "key", "value", "output"):
            weights[f"{scope}/attention/{name}/kernel"] = normal(WIDTH, WIDTH) * np.float32(
                1 + n / 9
            )
        weights[f"{scope}/ffn/up/kernel"] = normal(WIDTH, 4 * WIDTH)
        weights[f"{scope}/ffn/up/bias"] = normal(4 * WIDTH)
        weights[f"{scope}/ffn/down/kernel"] = normal(4 * WIDTH, WIDTH)
        weights[f"{scope}/norm/gamma"] = 1 + normal(WIDTH)
    slots = {}
    for name, value in weights.items():
        slots[f"{name}/Adam"] = value * np.float32(0.01)
        slots[f"{name}/Adam_1"] = np.square(value) * np.float32(0.001)
    return weights | slots | {"global_step": np.int64(12_000)}


def trained(weights: dict[str, np.ndarray[Any, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    """The same after some steps: the last layers have moved most."""
    random = np.random.default_rng(9)
    moved = dict(weights)
    for name, value in weights.items():
        if "/layer_" in name and "Adam" not in name:
            depth = int(name.split("layer_")[1][0])
            step = random.normal(0, value.std() * 0.02 * 2**depth, value.shape)
            moved[name] = value + step.astype(value.dtype)
    moved["pooler/kernel"] = moved["encoder/layer_0/norm/gamma"] * 2
    moved["words/table"] = moved.pop("embedding/table")
    return moved | {"global_step": np.int64(14_000)}


def main() -> None:
    """Take the pictures."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        weights = transformer(1)
        tb.save(folder / "model.ckpt-12000", weights)
        tb.save(folder / "model.ckpt-14000", trained(weights))
        os.chdir(folder)  # pages are called by the paths that were given
        first, second = (tb.open(f"model.ckpt-{step}") for step in (12000, 14000))
        tb.report(first, path=folder / "one.html")
        tb.report(first, second, path=folder / "two.html")
        shutil.copy(PROJECT / "tests/golden/data/demo/model.ckpt-2000.meta", "classifier.meta")
        tb.report("classifier.meta", path=folder / "graph.html")
        shots = (
            ("report", "one.html", "", False, BY_DEVIATION + at("sizes")),
            ("report-dark", "one.html", "#tensor=encoder%2Flayer_3%2Fffn%2Fup%2Fkernel", True, ""),
            ("report-compared", "two.html", "", False, at("sizes")),
            ("report-graph", "graph.html", "", False, at("graph")),
        )
        for name, page, fragment, dark, script in shots:
            with chromium(1280, 1000, dark=dark) as browser:
                open_page(browser, folder / page, fragment)
                browser.execute_script(script)
                browser.save_screenshot(str(FOLDER / f"{name}.png"))


if __name__ == "__main__":
    main()
