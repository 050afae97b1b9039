"""The command line in a process of its own: pipes, terminals, locales, start-up."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path

import pytest

import tensorbundle as tb
from tests.golden.cases import DATA, path_of

DEMO = path_of("demo")
FLIPPED = str(DATA / "damaged" / "flipped_bit" / "model.ckpt")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tensorbundle", *arguments]


def environment(**changes: str) -> dict[str, str]:
    told = ("COLUMNS", "NO_COLOR", "TERM")  # each of them is the test's to say
    plain = {key: value for key, value in os.environ.items() if key not in told}
    return {**plain, "TERM": "xterm-256color", **changes}


def run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command(*arguments), capture_output=True, env=environment(**changes), timeout=60
    )


def run_on_terminal(arguments: Sequence[str], columns: int = 80, **changes: str) -> tuple[int, str]:
    """Run on a terminal of its own; return the exit code and all that it showed."""
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    child = subprocess.Popen(
        arguments,
        stdin=inside,
        stdout=inside,
        stderr=inside,
        env=environment(**changes),
    )
    os.close(inside)
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 1 << 16)
        except OSError:  # how Linux tells the end
            piece = b""
        if not piece:
            break
        shown += piece
    os.close(terminal)
    return child.wait(60), shown.decode().replace("\r\n", "\n")


# --- pipes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [("ls", DEMO), ("ls", DEMO, "--tree"), ("verify", FLIPPED)])
def test_piped_output_is_plain_ascii(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert re.fullmatch(rb"[\x20-\x7e\n]+", result.stdout)
    assert result.stderr == b""


def test_closed_pipe_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run(command("ls", DEMO), stdout=writer, stderr=subprocess.PIPE, timeout=60)
    os.close(writer)
    assert (result.returncode, result.stderr) == (141, b"")


def test_long_names_are_whole_when_piped() -> None:
    name = max(tb.open(path_of("names")), key=len)
    assert name.encode() in run("ls", path_of("names")).stdout


def test_rich_is_not_loaded_for_plain_output() -> None:
    code = (
        "import sys; from tensorbundle.cli import program\n"
        "try: program(['ls', sys.argv[1]])\n"
        "except SystemExit: sys.exit('rich' in sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-c", code, DEMO], stdout=subprocess.DEVNULL)
    assert result.returncode == 0


# --- terminals ----------------------------------------------------------------------------------


def test_terminal_gets_colour_and_tree_lines() -> None:
    code, shown = run_on_terminal(command("ls", DEMO, "--tree"))
    assert code == 0
    assert "\x1b[32m" in shown
    assert "├── " in shown


@pytest.mark.parametrize(
    ("arguments", "changes", "colored"),
    [
        ((), {"NO_COLOR": "1"}, False),
        ((), {"TERM": "dumb"}, False),
        (("--color", "never"), {}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
    ],
)
def test_colour_is_the_users_choice(
    arguments: tuple[str, ...], changes: dict[str, str], colored: bool
) -> None:
    for place in (["ls", DEMO, *arguments], [*arguments, "ls", DEMO]):
        assert ("\x1b[" in run_on_terminal(command(*place), **changes)[1]) == colored
    assert (b"\x1b[" in run("ls", DEMO, *arguments, **changes).stdout) == ("always" in arguments)


def test_long_names_are_folded_to_the_terminal() -> None:
    arguments = command("--color=never", "ls", path_of("objects/manager"))
    _, shown = run_on_terminal(arguments, columns=60)
    lines = shown.splitlines()
    assert max(map(len, lines)) <= 60
    at = next(i for i, line in enumerate(lines) if line.startswith("network/layers/1/bias/"))
    assert lines[at].split()[1:3] == ["float32", "[2]"]
    assert lines[at + 1] == "  VARIABLE_VALUE"


def test_progress_bar_is_on_terminals_only() -> None:
    code = (
        "import sys, time, tensorbundle.cli.terminal.progress as progress\n"
        "from tensorbundle.cli.terminal.console import Console\n"
        "with progress.progress_bar(Console(), 'verifying') as show:\n"
        "    for done in range(0, 11) if show else ():\n"
        "        show(done * 10**6, 10**7); time.sleep(0.06)\n"
    )
    piped = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert (piped.returncode, piped.stdout, piped.stderr) == (0, b"", b"")
    status, shown = run_on_terminal([sys.executable, "-c", code])
    assert status == 0
    assert "verifying" in shown
    assert "MB" in shown


# --- locales and odd names ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "locale",
    [{"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "ascii"}],
)
def test_any_name_is_shown_in_any_locale(locale: dict[str, str]) -> None:
    for arguments in (["ls"], ["ls", "--tree"], ["ls", "--json"], ["verify"]):
        result = run(*arguments, path_of("names"), **locale)
        assert (result.returncode, result.stderr) == (0, b"")
    if "PYTHONIOENCODING" in locale:
        assert rb"gr\xc3\xb6\xc3\x9fe" in run("ls", path_of("names"), **locale).stdout
    found = run("ls", "--json", path_of("names"), r"gr\xc3\xb6\xc3\x9fe*", **locale)
    (tensor,) = json.loads(found.stdout)["tensors"]
    assert tensor["name"].startswith("größe")


def test_name_typed_in_raw_bytes_is_found() -> None:
    arguments = [os.fsencode(each) for each in command("ls", "--json", path_of("names"))]
    result = subprocess.run([*arguments, b"\xff"], capture_output=True, timeout=60)
    assert json.loads(result.stdout)["tensors"][0]["name"] == "\udcff"


def test_path_with_a_leading_dash_goes_after_two_dashes() -> None:
    folder = Path(path_of("prefixes/-model")).parent
    result = subprocess.run(
        command("ls", "--", "-model"), capture_output=True, cwd=folder, timeout=60
    )
    assert result.returncode == 0
    assert b"weights" in result.stdout
