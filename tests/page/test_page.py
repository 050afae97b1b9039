"""The report's page in a real browser: opened, sorted, filtered, zoomed, compared, printed."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By

import tensorbundle as tb
from tests.golden.cases import DATA
from tests.page.browser import chromium, open_page, requests
from tests.report.pages import HOSTILE, many_kinds

MANY = 50_000
# What is told to who does not see it.
NAMED = ("button", "link", "image", "combobox", "searchbox")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(autouse=True)
def silent(browser: Any) -> Iterator[None]:
    """The console has no errors, and nothing but the page was asked for."""
    browser.get_log("browser"), browser.get_log("performance")
    yield
    assert browser.get_log("browser") == []
    assert requests(browser) == []


@pytest.fixture(scope="module")
def page_of(folder: Path) -> Callable[..., Path]:
    made: dict[str, Path] = {}

    def page(name: str, *sides: Any) -> Path:
        if name not in made:
            made[name] = folder / f"{name}.html"
            tb.report(*sides, path=made[name])
        return made[name]

    return page


@pytest.fixture
def demo(browser: Any, page_of: Callable[..., Path]) -> Any:
    open_page(browser, page_of("demo", DATA / "demo"))
    # A table that comes into sight is drawn anew: elements that were found before are then gone.
    browser.execute_script("document.getElementById('tensors').scrollIntoView()")
    settle(browser)
    return browser


@pytest.fixture
def hostile(browser: Any, page_of: Callable[..., Path], folder: Path) -> Any:
    if not (folder / "hostile.index").exists():
        tensors = {name: np.full(3, n, np.float32) for n, name in enumerate(HOSTILE)}
        tb.save(folder / "hostile", tensors | many_kinds())
    open_page(browser, page_of("hostile", folder / "hostile"))
    return browser


def texts(browser: Any, selector: str) -> list[str]:
    return [each.text for each in browser.find_elements(By.CSS_SELECTOR, selector)]


def shown(browser: Any) -> list[str]:
    """Names in the table, from its top."""
    # At once: rows come and go while one after the other is asked.
    script = "return [...document.querySelectorAll('#table .tabulator-row .name')]"
    return list(browser.execute_script(f"{script}.map((each) => each.textContent)"))


def settle(browser: Any) -> None:
    """Wait for the filter's delay and the next picture."""
    browser.execute_async_script(
        "const done = arguments[0]; setTimeout(() => requestAnimationFrame(done), 200)"
    )


def type_filter(browser: Any, text: str) -> None:
    box = browser.find_element(By.ID, "filter")
    box.clear()
    box.send_keys(text or " ", Keys.BACKSPACE if not text else "")
    settle(browser)


# --- the table -----------------------------------------------------------------------------------


def test_slots_are_folded_under_their_variable_and_open(demo: Any) -> None:
    assert "dense/kernel" in shown(demo)
    assert "dense/kernel/Adam" not in shown(demo)
    demo.find_element(By.CSS_SELECTOR, "#table .tree-toggle").click()
    assert shown(demo)[:3] == ["dense/kernel", "dense/kernel/Adam", "dense/kernel/Adam_1"]


def test_table_is_sorted_by_a_click(demo: Any) -> None:
    demo.find_element(By.CSS_SELECTOR, '.tabulator-col[tabulator-field="name"]').click()
    names = shown(demo)
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("text", "count"),
    [("KERNEL", 12), ("dense/*", 6), ("/^conv[12]\\/bias$/", 2), ("nothing", 0), ("", 28)],
)
def test_filter_takes_parts_globs_and_expressions(demo: Any, text: str, count: int) -> None:
    type_filter(demo, text)
    noun = "tensor" if count == 1 else "tensors"
    assert demo.find_element(By.ID, "matches").text.startswith(f"{count} {noun},")
    names = shown(demo)
    if 0 < count < 28:
        # What is folded is opened where it is that which was sought.
        opened = {name for name in tb.open(DATA / "demo") if "Adam" in name} & set(names)
        assert opened or text.startswith("/")


def test_a_filter_that_is_no_expression_is_refused_in_place(demo: Any) -> None:
    type_filter(demo, "/(/")
    assert demo.execute_script("return document.getElementById('filter').validationMessage")


def test_a_slot_is_found_though_its_variable_is_not_meant(demo: Any) -> None:
    type_filter(demo, "/Adam_1$/")
    assert "dense/kernel/Adam_1" in shown(demo)


# --- one tensor ----------------------------------------------------------------------------------


def test_a_tensor_has_a_link_of_its_own(browser: Any, page_of: Callable[..., Path]) -> None:
    open_page(browser, page_of("demo", DATA / "demo"), "#tensor=conv1%2Fkernel")
    section = browser.find_element(By.ID, "tensor").text
    info = tb.open(DATA / "demo").info("conv1/kernel")
    assert "conv1/kernel" in section
    assert f"{info.crc32c:#010x}" in section
    assert "conv1/kernel/Adam" in section  # its slots
    assert f"['{info.name}']" in section


def test_a_tensor_is_opened_from_the_table_by_key(demo: Any) -> None:
    link = demo.find_element(By.LINK_TEXT, "logits/bias")
    link.send_keys(Keys.ENTER)
    assert demo.execute_script("return location.hash") == "#tensor=logits%2Fbias"
    assert "logits/bias" in demo.find_element(By.CSS_SELECTOR, "#tensor h3").text
    assert demo.execute_script("return document.activeElement.id") == "tensor"


# --- names ---------------------------------------------------------------------------------------


def test_hostile_names_are_text(hostile: Any) -> None:
    hostile.find_element(By.CSS_SELECTOR, ".filters input[type=checkbox]").click()
    settle(hostile)
    for number in range(len(HOSTILE) + len(many_kinds())):
        hostile.execute_script("R.open(arguments[0], true)", number)
    assert hostile.execute_script("return window.broken") is None
    assert hostile.find_elements(By.CSS_SELECTOR, "main script, main img, main b") == (
        hostile.find_elements(By.CSS_SELECTOR, "main .alerts b, main .trail b")
    )
    scripts = hostile.find_elements(By.TAG_NAME, "script")
    assert all(each.get_attribute("src") in (None, "") for each in scripts)
    type_filter(hostile, "<script>")
    assert shown(hostile) == [HOSTILE[0]]
    type_filter(hostile, "bidi")
    assert shown(hostile) == ["bidi\\u202egnp.exe"]


def test_an_injected_script_does_not_run(browser: Any, hostile: Any) -> None:
    hostile.execute_script(
        "const each = document.createElement('script'); each.textContent = 'window.broken = 9';"
        "document.body.append(each)"
    )
    assert hostile.execute_script("return window.broken") is None
    refused = browser.get_log("browser")
    assert [each["level"] for each in refused] == ["SEVERE"]
    assert "Content Security Policy" in refused[0]["message"]


def test_what_is_worth_a_look_is_told_first(hostile: Any) -> None:
    told = hostile.find_element(By.CSS_SELECTOR, ".alerts").text
    for flag, name in (("NaN", "sick"), ("Inf", "sick"), ("all zero", "zero")):
        assert any(flag in line and name in line for line in told.splitlines())
    hostile.find_element(By.CSS_SELECTOR, ".alerts a[href^='#tensor']").click()
    assert hostile.find_element(By.CSS_SELECTOR, "#tensor h3").text


# --- the map -------------------------------------------------------------------------------------


def test_map_is_entered_and_left_by_keys(demo: Any) -> None:
    canvas = demo.find_element(By.TAG_NAME, "canvas")
    canvas.send_keys(Keys.ARROW_RIGHT)
    assert demo.find_element(By.CSS_SELECTOR, "#sizes .said").text.startswith("dense:")
    canvas.send_keys(Keys.ENTER)
    assert texts(demo, "#sizes .trail .name") == ["all", "dense"]
    canvas.send_keys(Keys.ESCAPE)
    assert texts(demo, "#sizes .trail .name") == ["all"]


def test_map_is_entered_by_a_click_and_has_a_table(demo: Any) -> None:
    canvas = demo.find_element(By.TAG_NAME, "canvas")
    ActionChains(demo).move_to_element_with_offset(canvas, -300, 0).click().perform()
    assert texts(demo, "#sizes .trail .name")[:2] == ["all", "dense"]
    demo.find_element(By.CSS_SELECTOR, "#sizes summary").click()
    assert "kernel" in demo.find_element(By.CSS_SELECTOR, "#sizes table").text


def test_colours_say_what_they_mean(demo: Any) -> None:
    select = demo.find_element(By.CSS_SELECTOR, "#sizes select")
    before = demo.execute_script("return document.querySelector('canvas').toDataURL()")
    for option in select.find_elements(By.TAG_NAME, "option"):
        option.click()
        assert demo.find_element(By.CSS_SELECTOR, "#sizes .legend").text
    assert demo.execute_script("return document.querySelector('canvas').toDataURL()") != before


# --- graph and objects ---------------------------------------------------------------------------


def test_graph_opens_scope_by_scope(demo: Any) -> None:
    boxes = texts(demo, "#drawing .box.opens")
    assert any("BiasAdd" in each for each in boxes)
    assert any("input" in each for each in texts(demo, "#drawing .box.input"))
    opens = next(
        each
        for each in demo.find_elements(By.CSS_SELECTOR, "#drawing .box.opens")
        if "conv1" in each.get_attribute("aria-label")
    )
    opens.send_keys(Keys.ENTER)
    assert texts(demo, "#graph .trail button") == ["the graph", "conv1"]
    assert demo.execute_script("return document.activeElement.textContent") == "conv1"
    label = demo.find_element(By.CSS_SELECTOR, "#graph input[type=checkbox]")
    before = len(demo.find_elements(By.CSS_SELECTOR, "#drawing .box"))
    label.click()
    assert len(demo.find_elements(By.CSS_SELECTOR, "#drawing .box")) > before


def test_a_variable_of_the_graph_opens_its_tensor(demo: Any) -> None:
    for label in ("conv1", "kernel, "):
        demo.execute_script(
            "[...document.querySelectorAll('#drawing .box.opens')]"
            ".find((each) => each.getAttribute('aria-label').startsWith(arguments[0]))"
            ".dispatchEvent(new MouseEvent('click', {bubbles: true}))",
            label,
        )
    assert demo.find_element(By.CSS_SELECTOR, "#tensor h3").text == "conv1/kernel"


def test_functions_of_a_saved_model_are_drawn(browser: Any, page_of: Callable[..., Path]) -> None:
    open_page(browser, page_of("served", DATA / "saved_model"))
    options = browser.find_elements(By.CSS_SELECTOR, "#graph select option")
    assert len(options) > 1
    for option in options:
        option.click()
        assert browser.find_elements(By.CSS_SELECTOR, "#drawing .box, #drawing p")


def test_objects_open_one_by_one(browser: Any, page_of: Callable[..., Path]) -> None:
    open_page(browser, page_of("keras", DATA / "objects/keras"))
    before = len(browser.find_elements(By.CSS_SELECTOR, ".objects li"))
    for _ in range(3):
        browser.execute_script(
            "document.querySelectorAll('.objects details').forEach((each) => { each.open = true })"
        )
        settle(browser)
    assert len(browser.find_elements(By.CSS_SELECTOR, ".objects li")) > before
    assert browser.find_elements(By.CSS_SELECTOR, ".objects a[href^='#tensor=']")


# --- two compared --------------------------------------------------------------------------------


def test_two_are_compared(browser: Any, page_of: Callable[..., Path], folder: Path) -> None:
    values = many_kinds()
    other = {**values, "fresh": np.ones(3), "layer_1/w": values["layer_1/w"] * np.float32(2)}
    del other["constant"]
    tb.save(folder / "a", values)
    tb.save(folder / "b", other)
    open_page(browser, page_of("two", folder / "a", folder / "b"), "#tensor=layer_1%2Fw")
    assert "They differ" in browser.find_element(By.ID, "differences").text
    section = browser.find_element(By.ID, "tensor")
    assert len(section.find_elements(By.CSS_SELECTOR, ".histogram .bars")) == 2
    assert "600 of 600" in section.text
    kind = browser.find_elements(By.CSS_SELECTOR, ".filters select")[1]
    kind.find_element(By.XPATH, "option[.='different']").click()
    settle(browser)
    assert browser.find_element(By.ID, "matches").text.startswith("3 tensors")


# --- light and dark, print, reading aloud --------------------------------------------------------


def test_light_and_dark(browser: Any, demo: Any) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = demo.execute_script(ground)
    demo.find_element(By.ID, "theme").click()
    dark = demo.execute_script(ground)
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(21, 24, 28)")
    assert demo.find_element(By.ID, "theme").text == "Light"


def test_print_has_the_tensors_as_a_plain_table(demo: Any) -> None:
    demo.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    printed = "return document.querySelector('.print-only').textContent"
    assert "dense/kernel/Adam" in demo.execute_script(printed)
    document = demo.execute_cdp_cmd("Page.printToPDF", {})["data"]
    assert base64.b64decode(document).startswith(b"%PDF")


def test_everything_that_is_drawn_has_a_name_and_a_table(demo: Any) -> None:
    tree = demo.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    nameless = [
        node["role"]["value"]
        for node in tree
        if not node.get("ignored")
        and node.get("role", {}).get("value")
        in ("button", "link", "image", "combobox", "searchbox")
        and not node.get("name", {}).get("value")
    ]
    assert nameless == []
    for section in ("sizes", "values", "graph"):
        assert demo.find_elements(By.CSS_SELECTOR, f"#{section} table")


def test_downloads_hold_what_is_shown(demo: Any) -> None:
    type_filter(demo, "conv1/*")
    got = demo.execute_script(
        "let got; R.download = (name, type, text) => { got = text };"
        "const buttons = [...document.querySelectorAll('.filters button')];"
        "buttons.find((each) => each.textContent === 'JSON').click(); return got"
    )
    names = {each["name"] for each in json.loads(got)}
    assert names == set(tb.open(DATA / "demo").select("conv1/*"))


# --- fifty thousand ------------------------------------------------------------------------------


def test_fifty_thousand_tensors_open_and_answer(
    browser: Any, page_of: Callable[..., Path], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(1)
    tensors = {}
    for block in range(MANY // 4):
        kernel = random.normal(0, 10 ** random.uniform(-3, 1), (8, random.integers(4, 40)))
        bias = random.normal(size=16)
        for name, value in (("kernel", kernel), ("bias", bias)):
            scope = f"stage_{block % 7}/block_{block // 7}/{name}"
            tensors[scope] = value.astype(np.float32)
            tensors[f"{scope}/Adam"] = (value * random.normal()).astype(np.float32)
    assert len(tensors) == MANY
    tb.save(folder / "many", tensors)
    page = page_of("many", folder / "many")
    size = page.stat().st_size
    opened = min(open_page(browser, page) for _ in range(3))
    heap = browser.execute_script("return performance.memory.usedJSHeapSize") / 1e6
    rows = len(browser.find_elements(By.CSS_SELECTOR, "#table .tabulator-row"))
    type_filter(browser, "/stage_3\\/.*bias$/")
    filtered = browser.execute_script("return R.times.filter")
    assert browser.find_element(By.ID, "matches").text.startswith("1,786 tensors")
    type_filter(browser, "")
    flat = browser.execute_async_script(
        "const done = arguments[0], start = performance.now();"
        "R.table_of_tensors.on('renderComplete', () => done(performance.now() - start));"
        "document.querySelector('.filters input[type=checkbox]').click()"
    )
    sort = browser.execute_script(
        "const start = performance.now(); R.table_of_tensors.setSort('std', 'desc');"
        "return performance.now() - start"
    )
    type_filter(browser, "/stage_3\\/.*bias$/")
    filtered_flat = browser.execute_script("return R.times.filter")
    nodes = browser.execute_script("return document.getElementsByTagName('*').length")
    with capsys.disabled():
        print(
            f"\n{MANY:,} tensors: page {size / 1e6:.2f} MB, ready in {opened:.2f} s, filter "
            f"{filtered:.0f} ms ({filtered_flat:.0f} ms unfolded), unfold {flat:.0f} ms, "
            f"sort {sort:.0f} ms, heap {heap:.0f} MB, {nodes:,} elements"
        )
    assert size < 4_000_000
    assert opened < 2
    assert max(filtered, filtered_flat) < 500
    assert sort < 1000
    assert nodes < 5000
    assert rows < 100
