"""The walk over protobuf messages: fields as stored, and whatever is none ends in FormatError."""

import contextlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorbundle import _core
from tensorbundle._format.wire import (
    BYTES,
    FIXED32,
    FIXED64,
    VARINT,
    Field,
    encode_varint,
    fields,
)
from tensorbundle.errors import FormatError


def walk(text: str, base: int = 0) -> list[tuple[int, int, int, bytes, int]]:
    found = fields(bytes.fromhex(text), base)
    return [(f.number, f.wire, f.value, bytes(f.data), f.offset) for f in found]


def test_each_wire_type_is_yielded_with_its_bytes_and_place() -> None:
    assert walk("08 9601  11 0102030405060708  1a 02 6162  25 00000001", 100) == [
        (1, VARINT, 150, b"\x96\x01", 101),
        (2, FIXED64, 0, bytes(range(1, 9)), 104),
        (3, BYTES, 0, b"ab", 114),
        (4, FIXED32, 0, b"\0\0\0\1", 117),
    ]


def test_groups_are_passed_over_with_all_that_is_in_them() -> None:
    assert [f[0] for f in walk("0801 1b 0802 2b 0803 2c 1c 1001")] == [1, 2]


def test_numbers_have_the_sign_of_their_type() -> None:
    (negative,) = fields(bytes.fromhex("08 feffffffffffffffff01"))
    assert (negative.int64(), negative.int32(), negative.value) == (-2, -2, 2**64 - 2)
    (large,) = fields(bytes.fromhex("08 8080808010"))
    assert (large.int64(), large.int32()) == (1 << 32, 0)


def test_messages_inside_messages_keep_their_place() -> None:
    (outer,) = fields(bytes.fromhex("0a 04 1202 0805"), 50)
    (inner,) = outer.message()
    (number,) = inner.message()
    assert (number.value, number.offset) == (5, 55)


@pytest.mark.parametrize(
    ("text", "told", "offset"),
    [
        ("80", "a varint is cut off", 7),
        ("08 ff", "a varint is cut off", 8),
        ("08 ffffffffffffffffff7f", "longer than 64 bits", 8),
        ("08 8080808080808080808001", "longer than 64 bits", 8),
        ("00", "no field can have the tag 0 (number 0,", 7),
        ("808080808001 00", "no field can have the tag 34359738368", 7),
        ("0a 05 6162", "a length of 5 bytes runs past the end, where only 2 remain", 9),
        ("0a ffffffffffffffffff01", "a length of 18446744073709551615 bytes runs past", 18),
        ("0d 000000", "a length of 4 bytes runs past the end, where only 3 remain", 8),
        ("09 00", "a length of 8 bytes runs past the end, where only 1 remain", 8),
        ("0e", "wire type 6", 7),
        ("0b", "a group is cut off", 8),
        ("0c", "a group ends that never began", 7),
        ("0b 14", "a group ends that is not the open one", 8),
        ("0b" * 101, "groups are nested too deep", 107),
    ],
)
def test_what_is_no_message_raises_and_says_where(text: str, told: str, offset: int) -> None:
    with pytest.raises(FormatError, match=rf"byte {offset}\b") as caught:
        walk(text, 7)
    assert told in caught.value.message


@pytest.mark.parametrize("access", [Field.int64, Field.int32])
def test_number_where_bytes_are_expected_raises(access) -> None:
    (text,) = fields(bytes.fromhex("0a00"))
    with pytest.raises(FormatError, match=r"field 1 has wire type 2 .* expected 0"):
        access(text)
    (number,) = fields(bytes.fromhex("0800"))
    with pytest.raises(FormatError, match=r"field 1 has wire type 0 .* expected 2"):
        number.message()


@given(st.binary(max_size=64))
def test_any_bytes_are_walked_to_the_end_or_refused(message: bytes) -> None:
    found = []
    with contextlib.suppress(FormatError):
        found.extend(fields(message))
    assert sum(len(f.data) + 1 for f in found) <= len(message)


def outcome(walk: Callable[[memoryview, int], Iterator[Field]], message: bytes) -> list[object]:
    """The fields, and the error that ends them if one does."""
    found: list[object] = []
    try:
        for field in walk(memoryview(message), 7):
            found.append((*field[:3], bytes(field.data), field.offset))
    except FormatError as error:
        found.append((error.message, error.offset))
    return found


def one_by_one(message: memoryview, base: int) -> Iterator[Field]:
    at = 0
    while at < len(message):
        found, at, error = _core.message_fields(message, base, at, 1)
        yield from map(Field._make, found)
        if error is not None:
            raise error


@given(st.binary(max_size=60), st.integers(0, 3))
def test_fields_one_by_one_are_those_of_a_walk(message: bytes, repeats: int) -> None:
    sound = bytes.fromhex("08 9601  1a 02 6162  8a00 01 63  25 00000001") * repeats
    for each in (message, sound + message):
        assert outcome(fields, each) == outcome(one_by_one, each)


@given(st.lists(st.integers(0, 2**64 - 1), max_size=9), st.binary(max_size=12))
def test_numbers_of_a_run_are_those_found_one_after_the_other(
    numbers: list[int], rest: bytes
) -> None:
    run = b"".join(map(encode_varint, numbers))
    assert _core.varints(run) == numbers
    found, at = [], 0
    with contextlib.suppress(FormatError):
        while at < len(run + rest):
            number, at = _core.varint(run + rest, at)
            found.append(number)
        assert _core.varints(run + rest) == found
    if at < len(run + rest):
        with pytest.raises(FormatError, match="a varint is") as caught:
            _core.varints(run + rest, 100)
        assert caught.value.offset == 100 + at
    assert found[: len(numbers)] == numbers


def test_long_messages_are_walked_to_their_end() -> None:
    message = bytes.fromhex("08 01") * 5000 + bytes.fromhex("10 02")
    assert [field.number for field in fields(message)] == [1] * 5000 + [2]
    broken = message + b"\x0a\x05"
    found = outcome(fields, broken)
    # At the length that runs past the end.
    assert (len(found), found[-1][1]) == (5002, 7 + len(message) + 2)  # type: ignore[index]
