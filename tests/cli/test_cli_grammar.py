"""One grammar for all commands: patterns, short options, documents, parts, completion, help."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import ml_dtypes
import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle.cli import program
from tests.cli.test_cli_process import command, environment
from tests.freeze.program import document, run
from tests.golden.cases import DATA, path_of
from tests.places import PROJECT

DEMO = path_of("demo")
KERAS = str(DATA / "objects" / "keras")
SLOTS = ["--exclude", "*/Adam*", "--exclude", "beta*"]
COMMANDS = {name: each for name, each in program.commands.items() if not each.hidden}


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as read:
        return dict(read)


def options_of(each: click.Command) -> dict[str, click.Option]:
    return {
        name: option
        for option in each.params
        if isinstance(option, click.Option)
        for name in option.opts
    }


def short_options() -> Iterator[tuple[str, str, str]]:
    for name, each in COMMANDS.items():
        for long, short in (("--quiet", "-q"), ("--dry-run", "-n"), ("--force", "-f")):
            if (option := options_of(each).get(long)) is not None:
                yield name, short, " ".join(option.opts)


def test_what_many_commands_take_has_one_letter_in_all_of_them() -> None:
    found = list(short_options())
    assert [each for each in found if each[1] not in each[2].split()] == []
    assert {short for _, short, _ in found} == {"-q", "-n", "-f"}


def test_a_command_that_may_replace_something_can_be_asked_what_it_would_do() -> None:
    replacing = {name for name, each in COMMANDS.items() if "--force" in options_of(each)}
    dry = {name for name, each in COMMANDS.items() if "--dry-run" in options_of(each)}
    assert {"edit", "export", "freeze", "merge", "save"} <= replacing
    assert replacing - dry == {"cp", "report", "run"}  # which write what they are told to, where


def test_no_command_writes_a_document_without_its_schema() -> None:
    rows = {"ls.py", "show.py"}  # which write a document's rows one by one
    sarif = "line(dumps(sarif_of("  # whose schema is not ours
    found = [
        each.name
        for each in (PROJECT / "src/tensorbundle/cli").glob("*/*.py")
        if each.name not in rows and "line(dumps(" in each.read_text("utf-8").replace(sarif, "")
    ]
    assert found == []  # console.line(document(…)) puts it first


# --- patterns ------------------------------------------------------------------------------------


def names_of(*arguments: object) -> list[str]:
    return run("ls", *arguments, "--names").stdout.splitlines()


def test_names_alone_are_what_scripts_read() -> None:
    assert names_of(DEMO) == list(tb.open(DEMO))
    assert names_of(DEMO, "dense/*", "--exclude", "*/Adam*") == ["dense/bias", "dense/kernel"]


def test_names_that_end_in_nul_are_as_they_are(tmp_path: Path) -> None:
    odd = {"sp ace": 1, "new\nline": 2, "\udcff": 3}
    tb.save(tmp_path / "m", odd)
    result = subprocess.run(command("ls", str(tmp_path / "m"), "-0"), capture_output=True)
    assert result.stdout.split(b"\0") == [b"new\nline", b"sp ace", b"\xff", b""]


def test_checkpoints_alone_can_be_looped_over(tmp_path: Path) -> None:
    for step in (2, 10):
        tb.save(tmp_path / f"m-{step}", {"w": step})
    listed = run("ls", "--checkpoints", tmp_path, "--names").stdout.splitlines()
    assert listed == [str(tmp_path / "m-2"), str(tmp_path / "m-10")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--exclude", "nosuch*"], "no tensor matches --exclude 'nosuch*'"),
        (["--exclude", "*"], "no tensor is left: --exclude takes all of them out"),
        (["--exclude", "(", "--regex"], "not a regular expression: '('"),
        (["--names", "--json"], "--names and --json exclude each other"),
        (["-0", "--long"], "--null and --long exclude each other"),
    ],
)
def test_a_selection_that_means_nothing_exits_2(arguments: list[str], message: str) -> None:
    assert message in run("ls", DEMO, *arguments, code=2).stderr


def test_patterns_exclusions_and_expressions_are_the_same_everywhere(tmp_path: Path) -> None:
    expected = ["conv1/bias", "conv1/kernel", "conv2/bias", "conv2/kernel"]
    patterns = ["^conv", "--exclude", "Adam", "--regex"]
    assert names_of(DEMO, *patterns) == expected
    shown = document("show", DEMO, *patterns, "--no-stats")["tensors"]
    assert [each["name"] for each in shown] == expected
    run("export", DEMO, tmp_path / "w.npz", *patterns)
    assert list(arrays_of(tmp_path / "w.npz")) == expected
    assert document("diff", DEMO, DEMO, *patterns)["equal"] == len(expected)


def test_a_crosscheck_leaves_out_what_is_excluded() -> None:
    found = document("crosscheck", DEMO, "dense/*", "--exclude", "*/Adam*")
    assert [each["name"] for each in found["tensors"]] == ["dense/bias", "dense/kernel"]
    assert found["schema"] == 1


def test_differences_in_what_is_excluded_are_none(tmp_path: Path) -> None:
    tb.rewrite(DEMO, tmp_path / "slim", strip_optimizer=True)
    run("diff", DEMO, tmp_path / "slim", code=1)
    assert run("diff", DEMO, tmp_path / "slim", *SLOTS).stdout.startswith("10 tensors equal")


def test_paths_name_tensors_of_objects_in_every_command(tmp_path: Path) -> None:
    key = "optimizer/_iterations/.ATTRIBUTES/VARIABLE_VALUE"
    assert run("show", KERAS, key, "--paths").stdout.startswith("optimizer/_iterations\n")
    run("export", KERAS, tmp_path / "w.npz", key, "--paths")
    assert list(arrays_of(tmp_path / "w.npz")) == ["optimizer/_iterations"]
    tb.rewrite(KERAS, tmp_path / "m", cast={key: "int32"})
    assert "! optimizer/_iterations  int64[]" in run(
        "diff", KERAS, tmp_path / "m", key, "--paths", code=1
    ).stdout  # fmt: skip


def test_drops_and_keeps_may_be_expressions(tmp_path: Path) -> None:
    run("edit", DEMO, tmp_path / "m", "--drop", "Adam(_1)?$", "--drop", "^beta", "--regex")
    assert len(tb.open(tmp_path / "m")) == 10


# --- export --------------------------------------------------------------------------------------


def test_an_export_leaves_out_what_optimizers_keep(tmp_path: Path) -> None:
    tb.rewrite(DEMO, tmp_path / "slim", strip_optimizer=True)
    run("export", DEMO, tmp_path / "w.npz", "--strip-optimizer")
    assert list(arrays_of(tmp_path / "w.npz")) == list(tb.open(tmp_path / "slim"))


def test_an_export_of_objects_without_optimizer_is_called_as_the_edited_is(tmp_path: Path) -> None:
    tb.rewrite(KERAS, tmp_path / "slim", strip_optimizer=True)
    run("export", KERAS, tmp_path / "w.npz", "--strip-optimizer", "--paths")
    slim = tb.open(tmp_path / "slim")
    assert slim.objects is not None
    exported = arrays_of(tmp_path / "w.npz")
    assert set(exported) == {each.path for each in slim.objects.variables}
    for each in slim.objects.variables:
        np.testing.assert_array_equal(exported[each.path], slim[each.key])


@pytest.mark.parametrize("target", ["w.npz", "w.safetensors", "w.h5", "w/"])
def test_a_dry_export_says_what_would_be_written_and_writes_nothing(
    tmp_path: Path, target: str
) -> None:
    place = f"{tmp_path}/{target}"
    dry = document("export", DEMO, place, "dense/*", "-n")
    assert os.listdir(tmp_path) == []
    wet = document("export", DEMO, place, "dense/*")
    assert (dry["tensors"], dry["nbytes"], dry["files"]) == (wet["tensors"], wet["nbytes"], [])
    assert "exists: " in run("export", DEMO, place, "-n", code=2).stderr
    run("export", DEMO, place, "-n", "-f")


def test_a_dry_export_tells_what_would_be_left_out(tmp_path: Path) -> None:
    dry = document("export", KERAS, tmp_path / "w.safetensors", "--dry-run")
    assert [each["name"] for each in dry["left_out"]] == ["_CHECKPOINTABLE_OBJECT_GRAPH"]


# --- show ----------------------------------------------------------------------------------------


def test_tensors_are_shown_in_the_order_of_asking() -> None:
    shown = document("show", DEMO, "logits/bias", "conv*/bias", "logits/bias", "dense/bias")
    names = [each["name"] for each in shown["tensors"]]
    assert names == ["logits/bias", "conv1/bias", "conv2/bias", "dense/bias"]


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("0:3", np.s_[0:3]),
        ("-1", np.s_[-1]),
        ("::100,2", np.s_[::100, 2]),
        ("...,0", np.s_[..., 0]),
        ("5:2:-1, :", np.s_[5:2:-1, :]),
    ],
)
def test_a_part_is_what_numpy_makes_of_it(text: str, index: object) -> None:
    (shown,) = document("show", DEMO, f"dense/kernel[{text}]", "--full")["tensors"]
    expected = tb.open(DEMO)["dense/kernel"][index]
    assert shown["part"] == text.replace(" ", "")
    np.testing.assert_array_equal(np.array(shown["values"], np.float32), expected)
    assert shown["stats"]["count"] == expected.size


def test_a_part_is_not_a_glob_where_there_is_such_a_tensor(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"w": np.arange(3), "w[1]": 7, "v0": 0, "v1": 1, "v2": 2})
    shown = document("show", tmp_path / "m", "w[1]", "w[2]", "v[0-1]", "v[2]", "--full")["tensors"]
    assert [(each["name"], each["values"]) for each in shown] == [
        ("w[1]", 7),
        ("w", 2),
        ("v0", 0),
        ("v1", 1),
        ("v2", 2),
    ]


@pytest.mark.parametrize("index", ["[9999]", "[0,0,0]", "[::0]"])
def test_a_part_outside_the_shape_exits_2(index: str) -> None:
    shown = run("show", DEMO, f"dense/kernel{index}", code=2).stderr
    assert f"no part {index} in tensor 'dense/kernel': " in shown


def test_values_are_printed_as_precisely_as_asked(tmp_path: Path) -> None:
    values = np.array([1 / 3, 2 / 3])
    tb.save(tmp_path / "m", {"d": values, "b": values.astype(ml_dtypes.bfloat16)})
    shown = run("show", tmp_path / "m", "*", "--no-stats", "--precision", "2").stdout
    assert shown.count("[0.33 0.67]") == 2


# --- quiet and documents -------------------------------------------------------------------------


def test_quiet_leaves_the_exit_code_and_what_was_asked_for(tmp_path: Path) -> None:
    flipped = str(DATA / "damaged" / "flipped_bit" / "model.ckpt")
    for arguments, code in (
        (["verify", DEMO], 0),
        (["verify", flipped], 1),
        (["diff", DEMO, KERAS], 1),
        (["edit", DEMO, tmp_path / "m", "--strip-optimizer"], 0),
        (["export", DEMO, tmp_path / "w.npz"], 0),
    ):
        result = run(*arguments, "-q", code=code)
        assert result.stdout + result.stderr == ""
    assert run("ls", DEMO, "-q").stdout == run("ls", DEMO).stdout
    assert document("verify", flipped, "--quiet", code=1)["ok"] is False
    assert run("verify", "nosuch", "-q", code=2).stderr.startswith("tensorbundle: error: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("ls", DEMO),
        ("ls", "--checkpoints", os.path.dirname(DEMO)),
        ("show", DEMO, "dense/bias"),
        ("verify", DEMO),
        ("diff", DEMO, DEMO),
        ("edit", DEMO, "x", "--strip-optimizer", "-n"),
        ("export", DEMO, "x.npz", "-n"),
        ("graph", DEMO),
        ("freeze", DEMO, "x.pb", "-o", "auto", "-n"),
        ("prune", DEMO, "x.pb", "-o", "auto", "-n"),
        ("export-saved-model", DEMO, "x", "-o", "auto", "-n"),
        ("doctor", DEMO),
        ("scan", DEMO + ".meta"),
        ("salvage", DEMO, "-n"),
    ],
)
def test_every_document_says_its_schema_first(arguments: tuple[str, ...]) -> None:
    found = json.loads(run(*arguments, "--json").stdout)
    assert next(iter(found.items())) == ("schema", 1)


@pytest.mark.parametrize(
    ("variables", "is_colored"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_pipes_are_coloured_where_that_is_forced(
    variables: dict[str, str], is_colored: bool
) -> None:
    shown = subprocess.run(
        command("ls", DEMO), capture_output=True, env=environment(**variables), timeout=60
    ).stdout
    assert (b"\x1b[" in shown) is is_colored


# --- help, version, completion -------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_shows_what_the_command_itself_shows(name: str) -> None:
    assert run("help", name).stdout == run(name, "--help").stdout


def test_help_of_nothing_and_of_what_is_not_there() -> None:
    assert run("help").stdout == run("--help").stdout
    assert "no such command 'nosuch'" in run("help", "nosuch", code=2).stderr


def test_version_has_a_letter() -> None:
    assert run("-V").stdout == run("--version").stdout


def completed(*words: str, cursor: int | None = None) -> list[str]:
    """What bash is offered for the last word."""
    asking = environment(
        _TENSORBUNDLE_COMPLETE="bash_complete",
        COMP_WORDS=" ".join(["tensorbundle", *words]),
        COMP_CWORD=str(len(words) if cursor is None else cursor),
    )
    result = subprocess.run(command(), capture_output=True, text=True, env=asking, timeout=60)
    assert result.stderr == ""
    return [line.partition(",")[2] for line in result.stdout.splitlines() if line]


def test_shells_are_offered_commands_options_and_tensors() -> None:
    assert {"show", "save", "scan", "salvage"} <= set(completed("s"))
    assert completed("show", "--prec") == ["--precision"]
    assert completed("show", DEMO, "dense/b") == [
        "dense/bias",
        "dense/bias/Adam",
        "dense/bias/Adam_1",
    ]
    assert completed("show", "nosuch", "dense/b") == []


def test_of_very_many_names_scopes_are_offered(tmp_path: Path) -> None:
    names = [f"layer_{i}/w{j}" for i in range(30) for j in range(20)]
    tb.save(tmp_path / "m", dict.fromkeys(names, 0))
    assert set(completed("ls", str(tmp_path / "m"), "lay")) == {f"layer_{i}/" for i in range(30)}
    assert len(completed("ls", str(tmp_path / "m"), "layer_7/")) == 20


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_asks_the_command(shell: str) -> None:
    script = run("completion", shell).stdout
    assert f"_TENSORBUNDLE_COMPLETE={shell}_complete" in script
    assert re.search(r"complete|compdef", script)


def test_bash_takes_the_completion_script() -> None:
    script = run("completion", "bash").stdout + "\ncomplete -p tensorbundle\n"
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert "_tensorbundle_completion" in result.stdout
    assert result.stderr == ""


# --- without click -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hidden", "said"), [(["rich"], "rich"), (["click", "rich"], "click and rich")]
)
def test_without_its_libraries_the_command_says_so_in_a_line(hidden: list[str], said: str) -> None:
    code = (
        "import importlib.util, sys; find = importlib.util.find_spec\n"
        f"importlib.util.find_spec = lambda n: None if n in {hidden} else find(n)\n"
        "from tensorbundle.__main__ import main; main()"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr == (
        f"tensorbundle: error: the command needs {said}, the library does not: "
        f"pip install {said.replace(' and ', ' ')}\n"
    )
