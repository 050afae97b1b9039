"""Crosscheck: golden checkpoints against real TensorFlow, and what a play-acted one causes."""

import json
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._crosscheck import crosscheck as _crosscheck
from tensorbundle._crosscheck import oracle
from tensorbundle._crosscheck.bitwise import Tensor
from tensorbundle._crosscheck.crosscheck import Comparison, Crosscheck, crosscheck
from tensorbundle._format.dtypes import numpy_dtype
from tensorbundle._format.tensor_info import TensorInfo
from tests.golden.cases import digest_of, expected, path_of
from tests.house.source import PACKAGE, imports_of

BOTH = "get_tensor and RestoreV2"
FLOAT32, STRING, BOOL, INT4 = 1, 7, 10, 29


def by_name(result: Crosscheck) -> dict[str, Comparison]:
    return {each.name: each for each in result.comparisons}


# --- golden checkpoints, real TensorFlow ------------------------------------------------------


@pytest.mark.parametrize(
    "fixture_id",
    [
        "dtypes",
        "strings",
        "names",
        "big_endian",
        "shards/merged",
        "v1/dtypes",
        "v1/slices",
        "v1/sharded",
        "prefixes/model[1].ckpt",
        "prefixes/empty base name/",
    ],
)
def test_crosscheck_of_sound_checkpoint_is_equal(fixture_id: str) -> None:
    result = crosscheck(path_of(fixture_id))
    tensors = expected()[fixture_id]["tensors"]
    assert result.ok
    assert any("links" in note for note in result.notes) == fixture_id.startswith("prefixes/")
    assert by_name(result).keys() == tensors.keys()
    for each in result.comparisons:
        opaque = each.dtype == "variant"
        assert each.status == ("we cannot" if opaque else "equal"), each
        if not opaque:
            record = tensors[each.name]
            assert each.sha256 == digest_of(record), each
            assert (each.dtype, list(each.shape)) == (record["dtype"], record["shape"])


def test_crosscheck_of_slices_names_the_dtypes_that_tensorflow_cannot_join() -> None:
    result = crosscheck(path_of("slices/dtypes"))
    tensors = expected()["slices/dtypes"]["tensors"]
    assert result.ok
    for each in result.comparisons:
        unreadable = "error" in tensors[each.name]
        assert each.status == ("tensorflow cannot" if unreadable else "equal"), each
        assert ("not supported" in each.detail) == unreadable, each
        assert each.sha256 == digest_of(tensors[each.name])


def test_crosscheck_goes_on_after_tensorflow_aborted() -> None:
    result = crosscheck(path_of("slices/shapes"), names=["rank9", "whole_by_dashes"])
    aborted, after = result.comparisons
    assert (aborted.name, aborted.status, aborted.how) == ("rank9", "tensorflow cannot", BOTH)
    assert aborted.detail.count("the process ended with signal 6: ") == 2
    assert (after.name, after.status, after.how) == ("whole_by_dashes", "equal", BOTH)
    assert result.ok
    assert "UnicodeDecodeError" in result.notes[0]


def test_crosscheck_of_damaged_tensor_quotes_both_sides_and_is_not_ok() -> None:
    result = crosscheck(path_of("damaged/flipped_bit"))
    assert not result.ok
    damaged = [each for each in result.comparisons if each.status != "equal"]
    said = [(each.status, each.ok, each.sha256) for each in damaged]
    assert said == [("neither can", False, None)]
    assert "checksum" in damaged[0].detail.partition("; in tensorflow: ")[0]
    assert damaged[0].detail.partition("; in tensorflow: ")[2].count("Checksum") == 2


def test_crosscheck_of_tampered_reading_shows_the_first_element(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Tampered:
        def __init__(self, path: str) -> None:
            self._checkpoint = tb.open(path)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._checkpoint, name)

        def __contains__(self, name: str) -> bool:
            return name in self._checkpoint

        def load(self, names: list[str]) -> dict[str, Any]:
            arrays = self._checkpoint.load(names)
            if "dense/kernel" in arrays:
                array = arrays["dense/kernel"]
                array[1, 2] = -array[1, 2]
                array[3] += 1
            return arrays

    monkeypatch.setattr(_crosscheck, "opened", Tampered)
    result = crosscheck(path_of("demo"))
    sound = tb.open(path_of("demo"))["dense/kernel"]
    found = by_name(result)["dense/kernel"]
    assert not result.ok
    assert result.counts == {"equal": len(result.comparisons) - 1, "different": 1}
    assert (found.status, found.how) == ("different", "get_tensor")
    assert found.difference is not None
    assert found.difference.index == (1, 2)
    assert found.difference.count == 1 + sound.shape[1]
    assert found.difference.theirs_hex == sound[1, 2].tobytes().hex()
    assert found.difference.ours_hex == (-sound[1, 2]).tobytes().hex()
    assert (found.difference.ours, found.difference.theirs) == (str(-sound[1, 2]), str(sound[1, 2]))
    assert found.detail == str(found.difference)


def test_certificate_says_what_was_compared_with_what() -> None:
    calls: list[tuple[int, int]] = []
    result = crosscheck(path_of("demo"), progress=lambda done, total: calls.append((done, total)))
    certificate = json.loads(json.dumps(result.certificate()))
    assert calls[-1] == (tb.open(path_of("demo")).nbytes,) * 2
    assert certificate["ok"] is True
    assert certificate["counts"] == {"equal": len(certificate["tensors"])}
    assert certificate["path"] == path_of("demo")
    assert certificate["format"] == "v2"
    assert [Path(file["path"]).suffix for file in certificate["files"]] == [
        ".index",
        ".data-00000-of-00001",
    ]
    assert all(file["nbytes"] == Path(file["path"]).stat().st_size for file in certificate["files"])
    assert certificate["tensorflow"].split(".")[0] == "2"
    assert certificate["tensorbundle"]
    assert certificate["platform"]
    assert certificate["date"].endswith("+00:00")
    for record in certificate["tensors"]:
        assert record["sha256"] == digest_of(expected()["demo"]["tensors"][record["name"]])


# --- no TensorFlow ----------------------------------------------------------------------------


def test_crosscheck_without_tensorflow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tensorflow.py").write_text("raise ImportError('no such module here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    hint = r"no such module here.*: pip install tensorflow$"
    with pytest.raises(tb.UnsupportedError, match=hint):
        crosscheck(path_of("demo"))


def test_crosscheck_with_absent_python_raises_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no_python"):
        crosscheck(path_of("demo"), python=tmp_path / "no_python")


def test_crosscheck_with_missing_checkpoint_raises_missing_file(tmp_path: Path) -> None:
    with pytest.raises(tb.MissingFileError, match="no checkpoint"):
        crosscheck(tmp_path / "model.ckpt")


def test_worker_needs_nothing_of_this_package() -> None:
    targets = {
        each.target.split(".")[0] for each in imports_of(PACKAGE / "_crosscheck" / "worker.py")
    }
    # TensorFlow is never without protobuf (google).
    assert targets - sys.stdlib_module_names == {"google", "numpy", "tensorflow"}


# --- a play-acted TensorFlow ------------------------------------------------------------------

# Acts as told: "die", "hang", die but {"once": mark}, or an answer with its bytes as hexadecimal.
ACTOR = """
    import json, os, sys, time
    script = json.loads({script!r})
    say = lambda answer: print(json.dumps(answer), flush=True)
    say({{"tensorflow": "2.0", "python": "3.10"}})
    for line in sys.stdin:
        request = json.loads(line)
        act = script[request["do"]].get(request.get("name", ""), {{"error": "NotFoundError: no"}})
        if "once" in act:
            if not os.path.exists(act["once"]):
                open(act["once"], "w").close()
                sys.exit(3)
            act = script["RestoreV2"][request["name"]]
        if act == "die":
            print("a stack trace\\nF0000 00:00:1.5 7 tensor.cc:1] Check failed: x", file=sys.stderr)
            print("    @ 0x1234", file=sys.stderr)
            sys.exit(3)
        if act == "hang":
            time.sleep(60)
        say({{key: value for key, value in act.items() if key != "hex"}})
        sys.stdout.buffer.write(bytes.fromhex(act.get("hex", "")))
        sys.stdout.flush()
"""

Act = Callable[[Mapping[str, Any]], None]


@pytest.fixture
def act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Act:
    """Replace TensorFlow by an actor that follows a script: {"list": {"": …}, way: {name: …}}."""

    def follow(script: Mapping[str, Any]) -> None:
        worker = tmp_path / "actor.py"
        worker.write_text(textwrap.dedent(ACTOR).format(script=json.dumps(script)))
        monkeypatch.setattr(oracle, "_WORKER", worker)

    return follow


def packed(elements: Iterable[bytes]) -> bytes:
    return b"".join(len(each).to_bytes(8, "little") + each for each in elements)


def right_answers(fixture_id: str) -> dict[str, Any]:
    """The script of a TensorFlow that reads everything as it is."""
    checkpoint = tb.open(path_of(fixture_id))
    reads = {}
    for name, array in checkpoint.items():
        raw = packed(array.reshape(-1)) if array.dtype == object else array.tobytes()
        reads[name] = {"shape": array.shape, "nbytes": len(raw), "hex": raw.hex()}
    listing = [(info.name, info.data_type, info.shape) for info in checkpoint.infos()]
    return {
        "list": {"": {"tensors": listing}},
        "get_tensor": dict(reads),
        "RestoreV2": dict(reads),
    }


def test_tensorflow_that_dies_is_started_again_for_the_next_tensor(act: Act) -> None:
    script = right_answers("saver")
    script["get_tensor"]["dense/bias"] = "die"
    script["RestoreV2"]["dense/bias"] = "die"
    script["get_tensor"]["dense/kernel"] = "die"
    act(script)
    result = crosscheck(path_of("saver"))
    death = "the process ended with status 3: tensor.cc:1] Check failed: x"
    found = by_name(result)
    assert found["dense/bias"].status == "tensorflow cannot"
    assert found["dense/bias"].detail == f"get_tensor: {death}; RestoreV2: {death}"
    assert (found["dense/kernel"].status, found["dense/kernel"].how) == ("equal", "RestoreV2")
    assert found["dense/kernel"].detail == f"get_tensor: {death}"
    assert result.ok


def test_tensorflow_that_dies_when_it_opens_is_asked_by_restore_alone(act: Act) -> None:
    act({**right_answers("saver"), "list": {"": "die"}, "get_tensor": {}})
    result = crosscheck(path_of("saver"))
    assert result.ok
    assert {each.how for each in result.comparisons} == {"RestoreV2"}
    assert "cannot list the tensors (the process ended with status 3" in result.notes[0]


def test_tensorflow_that_dies_after_an_error_is_asked_again(tmp_path: Path, act: Act) -> None:
    script = right_answers("saver")
    script["get_tensor"]["dense/bias"] = {"error": "NotFoundError: Key"}
    script["get_tensor"]["dense/kernel"] = {"once": str(tmp_path / "died")}
    act(script)
    found = by_name(crosscheck(path_of("saver")))
    assert found["dense/bias"].detail == "get_tensor: NotFoundError: Key"
    assert (found["dense/kernel"].status, found["dense/kernel"].how) == ("equal", BOTH)


def test_tensorflow_that_hangs_is_ended(act: Act) -> None:
    script = right_answers("saver")
    script["get_tensor"]["dense/bias"] = "hang"
    act(script)
    found = by_name(crosscheck(path_of("saver"), timeout_s=1.0))["dense/bias"]
    assert (found.status, found.detail) == ("equal", "get_tensor: no answer within 1 s")


def test_nothing_equal_is_not_ok(act: Act) -> None:
    act({**right_answers("saver"), "get_tensor": {}, "RestoreV2": {}})
    result = crosscheck(path_of("saver"))
    assert not result.ok
    assert result.counts == {"tensorflow cannot": len(result.comparisons)}


def test_names_that_one_side_lacks_are_not_ok(act: Act) -> None:
    script = right_answers("saver")
    first, *others = script["list"][""]["tensors"]
    act({**script, "list": {"": {"tensors": [*others, ("a/new", FLOAT32, [2])]}}})
    read_unlisted = crosscheck(path_of("saver"))
    assert by_name(read_unlisted)[first[0]].status == "equal"
    assert by_name(read_unlisted)[first[0]].detail == "tensorflow does not list it"
    there = read_unlisted.comparisons[-1]
    assert (there.name, there.status, there.dtype) == ("a/new", "only there", "float32")
    assert not read_unlisted.ok

    for way in ("get_tensor", "RestoreV2"):
        del script[way][first[0]]
    act({**script, "list": {"": {"tensors": others}}})
    result = crosscheck(path_of("saver"))
    assert by_name(result)[first[0]].status == "only here"
    assert not result.ok


def test_other_shape_or_dtype_is_different(act: Act) -> None:
    script = right_answers("saver")
    tensors = {name: (name, *rest) for name, *rest in script["list"][""]["tensors"]}
    tensors["dense/bias"] = ("dense/bias", 3, tensors["dense/bias"][2])
    script["list"][""]["tensors"] = list(tensors.values())
    answer = script["RestoreV2"]["dense/kernel"]
    script["RestoreV2"]["dense/kernel"] = {**answer, "shape": [1]}
    act(script)
    found = by_name(crosscheck(path_of("saver")))
    assert found["dense/bias"].status == "different"
    assert "float32 [4] here, int32 [4] in tensorflow" in found["dense/bias"].detail
    assert (found["dense/kernel"].status, found["dense/kernel"].how) == ("different", "RestoreV2")
    assert "[1] and" in found["dense/kernel"].detail
    assert {each.status for each in found.values()} == {"different", "equal"}


# --- bits -------------------------------------------------------------------------------------


def tensor(array: Any, number: int) -> Tensor:
    info = TensorInfo("t", numpy_dtype(number), array.shape, 0, 0, 0, 0, (), number)
    return Tensor(info, array)


def compare(ours: Tensor, theirs: bytes) -> Any:
    chunks = memoryview(theirs)
    at = 0

    def read(nbytes: int) -> bytes:
        nonlocal at
        at += nbytes
        return bytes(chunks[at - nbytes : at])

    difference = ours.compare(len(theirs), read)
    assert at == len(theirs)
    return difference


def test_zeros_of_other_sign_differ_and_equal_nans_do_not() -> None:
    nan = np.array([0x7FC00001], np.uint32).view(np.float32)
    ours = tensor(np.array([nan[0], 0.0], np.float32), FLOAT32)
    assert compare(ours, np.array([nan[0], 0.0], np.float32).tobytes()) is None
    difference = compare(ours, np.array([nan[0], -0.0], np.float32).tobytes())
    assert (difference.index, difference.ours, difference.theirs) == ((1,), "0.0", "-0.0")
    assert (difference.ours_hex, difference.theirs_hex) == ("00000000", "00000080")


def test_bytes_that_are_no_data_do_not_differ() -> None:
    assert compare(tensor(np.array([True, False]), BOOL), b"\x02\x00") is None
    ours = np.array([0x0F, 0x07], np.uint8).view(ml_dtypes.int4)
    assert compare(tensor(ours, INT4), b"\xff\x07") is None


def test_first_difference_is_found_past_the_first_piece() -> None:
    array = np.zeros((3, 1 << 20), np.float32)
    other = array.copy()
    other[2, 5] = other[2, 9] = 1
    difference = compare(tensor(array, FLOAT32), other.tobytes())
    assert (difference.index, difference.count, difference.theirs) == ((2, 5), 2, "1.0")


def test_strings_differ_by_element() -> None:
    ours = tensor(np.array([[b"a", b"\0"], [b"", b"x" * 100]], object), STRING)
    assert compare(ours, packed([b"a", b"\0", b"", b"x" * 100])) is None
    difference = compare(ours, packed([b"a", b"\0", b"", b"x" * 99]))
    assert (difference.index, difference.count) == ((1, 1), 1)
    assert difference.ours_hex == "78" * 64
    assert compare(tensor(np.array(b"", object), STRING), packed([b"\0"])).index == ()
