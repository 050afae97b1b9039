"""The error tree: what each is besides, what it says, and that it survives pickling and copying."""

import builtins
import copy
import pickle

import pytest

import tensorbundle as tb
from tensorbundle import errors

ERRORS = {
    tb.MissingFileError: FileNotFoundError,
    tb.TensorNotFoundError: KeyError,
    tb.FormatError: ValueError,
    tb.ChecksumError: ValueError,
    tb.UnsupportedError: NotImplementedError,
    tb.ConversionError: ValueError,
}


def test_every_error_is_in_the_tree():
    found = {each for each in vars(errors).values() if isinstance(each, type)}
    public = {tb.TensorBundleError, tb.CompatibilityWarning, tb.LeftOutWarning, *ERRORS}
    assert {each for each in found if issubclass(each, Exception)} == public
    assert sorted(errors.__all__) == sorted(each.__name__ for each in public)
    for error in ERRORS:
        assert error.__name__ in errors.__doc__


@pytest.mark.parametrize(("error", "builtin"), ERRORS.items())
def test_error_is_also_what_python_calls_it(error, builtin):
    assert issubclass(error, tb.TensorBundleError)
    assert issubclass(error, builtin)
    assert builtin.__name__ in vars(builtins)
    assert issubclass(tb.ChecksumError, tb.FormatError)


@pytest.mark.parametrize("error", [tb.TensorBundleError, *ERRORS])
def test_error_survives_pickling_and_copying(error):
    one = error("what: found", path="a/b.index", key="w", offset=4096, nbytes=16)
    for other in (pickle.loads(pickle.dumps(one)), copy.copy(one), copy.deepcopy(one)):
        assert type(other) is error
        assert str(other) == str(one)
        assert vars(other) == vars(one)
        assert repr(other) == repr(one) == f"{error.__name__}({str(one)!r})"


def test_message_that_was_amended_survives_pickling():
    error = tb.FormatError("what")
    error.message += "; the file is an empty file"
    assert str(pickle.loads(pickle.dumps(error))) == "what; the file is an empty file"


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({}, "checksum mismatch: stored 1"),
        ({"key": "w"}, "checksum mismatch in tensor 'w': stored 1"),
        ({"path": "p"}, "checksum mismatch (p): stored 1"),
        ({"offset": 7}, "checksum mismatch (byte 7): stored 1"),
        ({"offset": 7, "nbytes": 3}, "checksum mismatch (bytes 7-10): stored 1"),
        (
            {"path": "p", "key": "w", "offset": 7, "nbytes": 3},
            "checksum mismatch in tensor 'w' (p, bytes 7-10): stored 1",
        ),
    ],
)
def test_message_tells_what_where_and_what_was_found(where, told):
    assert str(tb.ChecksumError("checksum mismatch: stored 1", **where)) == told


def test_place_is_not_told_twice():
    error = tb.MissingFileError("no shard 'p.data' for 'w'", path="p.data", key="w")
    assert str(error) == "no shard 'p.data' for 'w'"


def test_context_fills_in_only_what_is_not_known():
    error = tb.FormatError("what", path="first")
    assert error.add_context(path="second", key="w") is error
    assert (error.path, error.key) == ("first", "w")
    assert error.add_context(path=None, key=None) is error
    assert (error.path, error.key) == ("first", "w")


def test_error_of_a_missing_file_has_no_errno_to_format():
    error = tb.MissingFileError("no checkpoint at 'x'")
    assert str(error) == "no checkpoint at 'x'"
    assert (error.errno, error.filename) == (None, None)
