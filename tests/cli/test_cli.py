"""The command line as its users meet it: what `ls` and `show` print, and how wrong use ends."""

import json
import math
import re

import numpy as np
import pytest

import tensorbundle as tb
from tests.freeze.program import document, run
from tests.golden.cases import DATA, path_of

DEMO = path_of("demo")
DAMAGED = DATA / "damaged"


# --- ls -----------------------------------------------------------------------------------------


def test_ls_shows_each_tensor_and_totals() -> None:
    lines = run("ls", DEMO).stdout.splitlines()
    assert lines[0].split() == ["name", "dtype", "shape", "size"]
    assert lines[-1] == "28 tensors, 168 kB, 41,947 elements; 1 shard"
    rows = [line.split() for line in lines[1:-1]]
    assert [row[0] for row in rows] == list(tb.open(DEMO))
    assert ["dense/kernel", "float32", "[784,16]", "50.2", "kB"] in rows


def test_ls_columns_are_aligned() -> None:
    lines = run("ls", DEMO).stdout.splitlines()
    starts = {line.index("float32") for line in lines if "float32" in line}
    assert starts == {lines[0].index("dtype")}


def test_ls_filters_by_globs_and_by_regular_expressions() -> None:
    globs = run("ls", DEMO, "dense/*", "*step").stdout
    assert globs.splitlines()[-1].startswith("7 of 28 tensors, ")
    regex = document("ls", DEMO, "^dense/(bias|kernel)$", "--regex")
    assert [tensor["name"] for tensor in regex["tensors"]] == ["dense/bias", "dense/kernel"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nosuch*"], "no tensor matches 'nosuch*'"),
        (["dense/*", "kernell"], "there is no tensor 'kernell'"),
        (["(", "--regex"], "not a regular expression: '('"),
        (["--tree", "--json"], "--tree and --json exclude each other"),
    ],
)
def test_ls_with_arguments_that_mean_nothing_exits_2(arguments: list[str], message: str) -> None:
    result = run("ls", DEMO, *arguments, code=2)
    assert result.stdout == ""
    assert re.fullmatch(r"tensorbundle: error: .*\n", result.stderr)
    assert message in result.stderr


@pytest.mark.parametrize(
    ("order", "key"),
    [
        ("name", lambda tensor: 0),
        ("size", lambda tensor: -tensor["nbytes"]),
        ("dtype", lambda tensor: tensor["dtype"]),
        ("shape", lambda tensor: (len(tensor["shape"]), tensor["shape"])),
    ],
)
def test_ls_sorts_and_reverses(order: str, key) -> None:
    tensors = document("ls", DEMO)["tensors"]
    ascending = document("ls", DEMO, "--sort", order)["tensors"]
    assert ascending == sorted(tensors, key=key)
    assert document("ls", DEMO, "--sort", order, "-r")["tensors"] == ascending[::-1]


def test_ls_tree_sums_up_scopes() -> None:
    lines = run("ls", DEMO, "--tree").stdout.splitlines()
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines]
    assert rows[0] == ["model.ckpt-2000", "28 tensors", "168 kB"]
    assert ["dense/", "6 tensors", "151 kB"] in rows
    assert ["kernel", "float32 [784,16] +2 tensors", "50.2 kB"] in rows
    assert rows[-1] == ["28 tensors, 168 kB, 41,947 elements; 1 shard"]
    by_size = run("ls", DEMO, "--tree", "--sort", "size").stdout
    assert by_size.index("dense/") < by_size.index("conv1/")


def test_ls_json_says_all_that_is_known() -> None:
    listing = document("ls", path_of("slices/sharded"))
    assert list(listing) == ["schema", "location", "notes", "tensors", "totals"]
    assert listing["location"]["kind"] == "v2"
    assert listing["totals"]["shards"] == 3
    ckpt = tb.open(path_of("slices/sharded"))
    assert listing["totals"]["tensors"] == len(ckpt)
    assert listing["totals"]["nbytes"] == ckpt.nbytes
    for record in listing["tensors"]:
        info = ckpt.info(record["name"])
        assert record == {
            "name": info.name,
            "dtype": info.tf_dtype,
            "shape": list(info.shape),
            "nbytes": info.nbytes,
            "shard": info.shard,
            "offset": info.offset,
            "crc32c": info.crc32c,
            "slices": json.loads(json.dumps(info.slices)),
            "complete": True,
        }


def test_ls_long_shows_place_and_checksum() -> None:
    info = tb.open(DEMO).info("dense/kernel")
    row = run("ls", "--long", DEMO, "dense/kernel").stdout.splitlines()[1]
    assert row.split()[-3:] == [str(info.shard), str(info.offset), f"0x{info.crc32c:08x}"]


def test_ls_bytes_shows_exact_sizes() -> None:
    assert run("ls", "-b", DEMO, "dense/kernel").stdout.splitlines()[1].endswith(" 50176")


def test_notes_go_to_stderr() -> None:
    result = run("ls", DAMAGED / "flipped_bit")
    assert "tensorbundle: note: no state file in " in result.stderr
    assert "note" not in result.stdout


def test_names_of_any_bytes_can_be_given_back_as_shown() -> None:
    path = path_of("names")
    lines = run("ls", path).stdout.splitlines()[1:-1]
    for name, line in zip(tb.open(path), lines, strict=True):
        shown = line[: line.rindex("float32")].rstrip()
        assert shown.isprintable()
        (tensor,) = json.loads(run("ls", "--json", path, "--", shown).stdout)["tensors"]
        assert tensor["name"] == name


# --- show ---------------------------------------------------------------------------------------


def facts(text: str) -> dict[str, str]:
    return dict(re.findall(r"^  (\w+) +(.*)$", text, re.MULTILINE))


def test_show_prints_facts_statistics_and_values_as_numpy_does() -> None:
    array = tb.open(DEMO)["dense/kernel"]
    text = run("show", DEMO, "dense/kernel").stdout
    shown = facts(text)
    assert shown["dtype"] == "float32"
    assert shown["shape"] == "[784,16], 12,544 elements"
    exact = array.astype(np.float64)
    assert shown["values"] == (
        f"min {array.min()!s}, max {array.max()!s}, mean {exact.mean():.6g}, std {exact.std():.6g}"
    )
    assert shown["counts"] == f"{(array == 0).sum()} zeros, 0 NaN, 0 Inf"
    assert text.endswith(np.array2string(array, max_line_width=100) + "\n")


def test_show_full_prints_every_value() -> None:
    array = tb.open(DEMO)["dense/kernel"]
    text = run("show", "--full", "--no-stats", DEMO, "dense/kernel").stdout
    assert "..." not in text
    assert "counts" not in facts(text)
    assert text.endswith(np.array2string(array, max_line_width=100, threshold=10**9) + "\n")


@pytest.mark.parametrize("fixture", ["dtypes", "big_endian", "slices/dtypes", "v1/dtypes"])
def test_show_json_agrees_with_numpy_for_every_dtype(fixture: str) -> None:
    ckpt = tb.open(path_of(fixture))
    numeric = [i.name for i in ckpt.infos() if i.tf_dtype not in ("bool", "string", "variant")]
    for record in document("show", path_of(fixture), *numeric)["tensors"]:
        stats = record["stats"]
        with np.errstate(over="ignore", invalid="ignore"):
            exact = ckpt[record["name"]]
            if exact.dtype.kind == "c":
                exact = np.abs(exact.astype(np.complex128))
            exact = exact.astype(np.float64)
            finite = exact[np.isfinite(exact)]
            assert stats["count"] == exact.size
            assert stats["zeros"] == np.count_nonzero(exact == 0)
            assert stats["nan"] + stats["inf"] == exact.size - finite.size
            moments = (
                [finite.min(), finite.max(), finite.mean(), finite.std()] if finite.size else []
            )
        shown = [stats[key] for key in ("min", "max", "mean", "std") if stats[key] is not None]
        assert shown == pytest.approx([each for each in moments if math.isfinite(each)])


def test_show_counts_what_is_true() -> None:
    (record,) = document("show", path_of("dtypes"), "bool/matrix")["tensors"]
    assert record["stats"] == {"count": 12, "true": 6, "false": 6}
    assert facts(run("show", path_of("dtypes"), "bool/matrix").stdout)["true"] == "6 of 12 (50.0%)"


def test_show_of_a_type_that_no_array_holds_says_so_and_exits_2() -> None:
    result = run("show", path_of("dtypes"), "variant/vector", code=2)
    assert facts(result.stdout)["dtype"] == "variant"
    assert "tensorbundle: error: tensors of type variant cannot be read" in result.stderr


def test_show_json_full_holds_the_values() -> None:
    path = path_of("dtypes")
    ckpt = tb.open(path)
    names = [f"{dtype}/matrix" for dtype in ("int64", "bool", "float32")]
    for record in document("show", path, *names, "--full")["tensors"]:
        assert record["values"] == ckpt[record["name"]].tolist()
    (record,) = document("show", path, "int4/vector", "--full")["tensors"]
    assert record["values"] == ckpt["int4/vector"].astype(int).tolist()
    (record,) = document("show", path_of("strings"), "not_utf8", "--full")["tensors"]
    assert record["values"] == [{"hex": "fffe80"}, {"hex": "c328"}]


def test_show_strings_as_text_where_they_are() -> None:
    path = path_of("strings")
    text = run("show", path, "not_utf8", "embedded_nul").stdout
    assert r"[b'\xff\xfe\x80' b'\xc3(']" in text
    assert r"['a\x00b' '\x00' 'ends with nul\x00']" in text
    assert facts(text)["lengths"] == "1 to 14 bytes, 18 in all"  # of the last
    long = run("show", path, "length_70000").stdout
    assert len(long) < 2000
    assert "… (70,000 bytes)" in long


def test_show_of_a_damaged_tensor_exits_1_and_shows_the_others() -> None:
    result = run("show", DAMAGED / "flipped_bit", "dense/*", code=1)
    assert "tensorbundle: error: checksum mismatch in tensor 'dense/kernel'" in result.stderr
    assert "dense/bias" in result.stdout
    record = document("show", DAMAGED / "flipped_bit", "dense/kernel", code=1)["tensors"][0]
    assert record["stats"] is None
    assert record["error"].startswith("checksum mismatch")


def test_show_of_a_missing_shard_exits_2() -> None:
    result = run("show", DAMAGED / "missing_data", "dense/bias", code=2)
    assert "is missing" in result.stderr


# --- the program --------------------------------------------------------------------------------


def test_version_names_kernel_and_numpy() -> None:
    text = run("--version").stdout
    assert text.startswith(f"tensorbundle {tb.__version__} (crc32c: ")
    assert text.endswith(f", numpy {np.__version__})\n")


def test_commands_come_in_the_order_of_use() -> None:
    text = run("--help").stdout
    listed = text[text.index("Commands:") :].split("\n\n")[0]  # options of stores come after
    shown = re.findall(r"^  ([\w-]+)  +[A-Z]", listed, re.MULTILINE)
    writing = ["edit", "merge", "average", "save", "cp", "relocate"]
    graphs = ["graph", "freeze", "run", "prune", "export-saved-model"]
    checks = ["doctor", "salvage", "scan", "prune-checkpoints", "report"]
    programs = ["run-script", "shim-check", "demo", "completion", "help"]
    assert shown == [
        "ls",
        "show",
        "verify",
        "export",
        "crosscheck",
        "diff",
        *writing,
        "convert",
        *checks,
        *graphs,
        *programs,
    ]
    assert run(code=2).stdout == ""


@pytest.mark.parametrize(
    "command",
    [
        *("ls", "show", "verify", "export", "crosscheck", "diff", "edit", "merge", "average"),
        *("graph", "freeze", "run", "prune", "export-saved-model", "report"),
    ],
)
def test_help_has_examples_that_fit_a_terminal(command: str) -> None:
    text = run(command, "--help").stdout
    assert f"    tensorbundle {command} model.ckpt-2000" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ls"], "missing argument 'PATH' (see 'tensorbundle ls --help')"),
        (["list"], "no such command 'list'"),
        (["ls", "--nosuch", DEMO], "no such option '?--nosuch"),
        (["ls", "-model"], "a path that begins with '-' goes after '--'"),
        (["ls", "no/such/model"], "no checkpoint at 'no/such/model'"),
        (["verify", DEMO, "--threads", "-1"], "invalid value for '--threads'"),
    ],
)
def test_wrong_use_is_one_line_on_stderr_and_exits_2(arguments: list[str], message: str) -> None:
    result = run(*arguments, code=2)
    assert result.stdout == ""
    assert re.fullmatch(r"tensorbundle: error: .*\n", result.stderr)
    assert re.search(message.replace("(", r"\(").replace(")", r"\)"), result.stderr)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_debug_shows_the_traceback_wherever_it_stands(place: int) -> None:
    arguments = ["ls", "no/such/model"]
    arguments.insert(place, "--debug")
    result = run(*arguments, code=2)
    assert "Traceback" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("tensorbundle: error: no checkpoint at ")


def test_interrupt_exits_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(path: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tensorbundle._checkpoint.opening.open", interrupted)
    assert "Traceback" not in run("ls", DEMO, code=130).stderr
