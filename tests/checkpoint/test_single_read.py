"""One tensor read by itself: how far it walks, and that it is what many read at once are."""

import contextlib
import ctypes
import os
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tensorbundle as tb
from tensorbundle import _core
from tests.format.handmade import Entry, Handmade, header, same, strings

FLOATS = np.arange(12, dtype=np.float32).reshape(3, 4)
IN_OPEN = 0x20


def saved(folder, count=300):
    """Small tensors of one shard, and their values."""
    tensors = {f"t{i:03}": np.full(4, i, np.float32) for i in range(count)}
    prefix = str(folder / "model")
    tb.save(prefix, tensors)
    return prefix, tensors


def spoil(prefix, at):
    with open(f"{prefix}.data-00000-of-00001", "r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))


# --- the walk ------------------------------------------------------------------------------------


def calls_of(work):
    """Python functions entered, and functions of the core called, while something is done."""
    entered, crossed = [], []

    def note(frame, event, argument):
        if event == "call":
            entered.append(frame.f_code.co_name)
        elif event == "c_call" and argument.__name__ in dir(_core.Bundle):
            crossed.append(argument.__name__)

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return entered[1:], crossed  # without `work` itself


def test_a_read_enters_one_function_and_crosses_into_the_core_once(tmp_path):
    prefix, _ = saved(tmp_path)
    ckpt = tb.open(prefix)
    ckpt["t000"]  # numpy's dtype is asked for once
    for name in ("t007", "t007", "t123", "t200"):
        entered, crossed = calls_of(lambda name=name: ckpt[name])
        assert (entered, crossed) == (["__getitem__"], ["view"])


@contextlib.contextmanager
def opened_in(folders):
    """The names of the files that are opened in some folders meanwhile, by whatever call."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK)
    assert descriptor >= 0
    names: list[str] = []
    try:
        for folder in folders:
            assert libc.inotify_add_watch(descriptor, os.fsencode(folder), IN_OPEN) >= 0
        yield names
        with contextlib.suppress(BlockingIOError):
            while events := os.read(descriptor, 1 << 16):
                while events:
                    _, _, _, size = struct.unpack_from("iIII", events)
                    names.append(events[16 : 16 + size].rstrip(b"\0").decode())
                    events = events[16 + size :]
    finally:
        os.close(descriptor)


def test_a_read_opens_its_shard_and_nothing_else(tmp_path):
    prefix, _ = saved(tmp_path)
    folders = [tmp_path, "/sys/devices/system/cpu", "/proc/self"]
    with opened_in(folders) as names:
        ckpt = tb.open(prefix)
    assert names.count("model.index") >= 1
    assert "model.data-00000-of-00001" not in names
    with opened_in(folders) as names:
        for name in ("t007", "t007", "t123", "t005"):
            ckpt[name]
    assert names == ["model.data-00000-of-00001"]
    with opened_in(folders) as names:
        for name in ckpt:
            ckpt[name]
        ckpt.infos()
    assert names == []


def test_opening_opens_the_index_once(tmp_path):
    prefix, _ = saved(tmp_path)
    location = tb.open(prefix).location
    with opened_in([tmp_path]) as names:
        index = _core.File(location.index)
        _core.Index(index).entries()
    assert names == ["model.index"]


def test_length_needs_no_names(tmp_path):
    ckpt = tb.open(saved(tmp_path)[0])
    assert len(ckpt) == 300
    assert "_names" not in vars(ckpt)


# --- in order ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["r", "c", "read"])
def test_every_walk_gives_what_was_saved(tmp_path, mode):
    prefix, tensors = saved(tmp_path)
    for walk in (dict, lambda c: dict(c.items()), lambda c: dict(zip(c, c.values(), strict=True))):
        found = walk(tb.open(prefix, mode=mode))
        assert list(found) == list(tensors)
        assert all(same(found[name], tensors[name]) for name in tensors)
        assert {array.flags.writeable for array in found.values()} == {mode != "r"}


@pytest.mark.parametrize("mode", ["r", "c", "read"])
def test_damage_is_raised_at_its_place_and_hides_nothing_else(tmp_path, mode):
    prefix, tensors = saved(tmp_path)
    spoil(prefix, 16 * 70)
    spoil(prefix, 16 * 71)
    ckpt = tb.open(prefix, mode=mode)
    seen = []
    with pytest.raises(tb.ChecksumError, match="'t070'"):
        seen += [name for name, _ in ckpt.items()]
    for name in ckpt:
        if name in ("t070", "t071"):
            for _ in range(2):
                with pytest.raises(tb.ChecksumError, match=repr(name)):
                    ckpt[name]
        else:
            assert same(ckpt[name], tensors[name])


def test_a_walk_that_breaks_off_has_given_what_came_before(tmp_path):
    prefix, tensors = saved(tmp_path)
    spoil(prefix, 16 * 70)
    items = iter(tb.open(prefix).items())
    assert [next(items)[0] for _ in range(70)] == list(tensors)[:70]
    with pytest.raises(tb.ChecksumError, match="'t070'"):
        next(items)


# --- the same as many at once --------------------------------------------------------------------


def outcome(read):
    try:
        return read()
    except (tb.TensorBundleError, OSError) as error:
        return type(error), str(error), error.__dict__.get("offset"), error.__dict__.get("nbytes")


def alike(one, other):
    return one == other if isinstance(one, tuple) else same(one, other)


def check_all_ways(prefix, name="w"):
    """One tensor by itself, before and after others, is what `views` and `load` make of it."""
    expected = outcome(lambda: tb.open(prefix).load([name])[name])
    for mode in ("r", "c", "read"):
        ways = {
            "first": lambda ckpt: ckpt[name],
            "with the list": lambda ckpt: (ckpt.get("a"), ckpt.get("a"), ckpt[name])[2],
            "views": lambda ckpt: ckpt.views([name])[name],
            "load": lambda ckpt: ckpt.load([name])[name],
        }
        for label, way in ways.items():
            ckpt = tb.open(prefix, mode=mode)
            for _ in range(2):
                found = outcome(lambda way=way, ckpt=ckpt: way(ckpt))
                assert alike(found, expected), (mode, label, found, expected)


LIES = st.fixed_dictionaries(
    {},
    optional={
        "dtype": st.sampled_from([0, 1, 3, 4, 7, 10, 14, 20, 21, 29, 77]),
        "shape": st.lists(st.sampled_from([0, 1, 3, 4, 12, 2**31, 2**40]), max_size=4).map(tuple),
        "size": st.sampled_from([0, 1, 16, 47, 48, 49, 2**33, 2**62]),
        "offset": st.sampled_from([0, 1, 8, 47, 2**20, 2**62]),
        "shard": st.sampled_from([0, 1, 2, 3, 2**30]),
        "crc": st.sampled_from([0, 1]),
    },
)


@settings(max_examples=150, deadline=None)
@given(LIES, st.booleans(), st.booleans())
def test_an_entry_that_lies_is_the_same_to_every_way_of_reading(
    tmp_path_factory, lies, big_endian, is_damaged
):
    folder = tmp_path_factory.mktemp("lies")
    bundle = Handmade().add("a", np.zeros(2, np.float32)).add("w", FLOATS, **lies)
    bundle.store(b"", 2)  # shards 0, 1 and 2, and an entry may name a fourth
    bundle.header = header(3, big_endian=big_endian)
    prefix = bundle.write(folder)
    os.unlink(f"{prefix}.data-00001-of-00003")
    if is_damaged:
        with open(f"{prefix}.data-00000-of-00003", "r+b") as file:
            file.seek(20)
            file.write(b"\xff")
    check_all_ways(prefix)
    expected = outcome(lambda: tb.open(prefix)["w"])
    for mode in ("r", "c", "read"):
        found = outcome(lambda mode=mode: dict(tb.open(prefix, mode=mode).items())["w"])
        assert alike(found, expected), (mode, found, expected)


@pytest.mark.parametrize(
    "entry", [b"\x08", b"\xff" * 12, Entry(1, (3,) * 255, 4).encode(), Entry(1, (-1,), 4).encode()]
)
def test_a_malformed_entry_is_the_same_to_every_way_of_reading(tmp_path, entry):
    bundle = Handmade().add("a", FLOATS)
    bundle.entries[b"w"] = entry
    prefix = bundle.write(tmp_path)
    kinds = {
        outcome(lambda way=way: way(tb.open(prefix)))[0]
        for way in (
            lambda ckpt: ckpt["w"],
            lambda ckpt: (ckpt["a"], ckpt["a"], ckpt["w"]),
            lambda ckpt: ckpt.views(["w"]),
            lambda ckpt: ckpt.load(["w"]),
            lambda ckpt: ckpt.info("w"),
            lambda ckpt: ckpt.infos(),
        )
    }
    assert kinds == {tb.FormatError}
    assert same(tb.open(prefix)["a"], FLOATS)


@pytest.mark.parametrize("shape", [(), (1,), (5,)])
@pytest.mark.parametrize(("dtype", "byte"), [(10, 2), (10, 255), (29, 0x35), (32, 0x17)])
def test_bytes_that_are_no_value_are_put_right_in_an_array(tmp_path, shape, dtype, byte):
    raw = np.full(shape, byte, np.uint8)
    bundle = Handmade().add("w", raw, dtype=dtype)
    check_all_ways(bundle.write(tmp_path))
    array = tb.open(str(tmp_path / "model.ckpt"))["w"]
    assert type(array) is np.ndarray
    assert array.shape == shape
    assert (
        array.view(np.uint8).reshape(-1).tolist() == [{10: 1, 29: 0x05, 32: 0x03}[dtype]] * raw.size
    )


def test_strings_and_parts_go_the_long_way(tmp_path):
    text = strings(b"a", b"", b"\xff" * 300)
    bundle = Handmade().add("a", FLOATS).add("w", text)
    bundle.add_sliced("parts", np.arange(10, dtype=np.int32), [((0, 4),), ((4, 6),)])
    prefix = bundle.write(tmp_path)
    for name in ("w", "parts"):
        check_all_ways(prefix, name)


# --- names ---------------------------------------------------------------------------------------


def test_names_are_str_or_bytes_and_what_is_neither_is_not_there(tmp_path):
    prefix = Handmade().add(b"odd\xff", FLOATS).add("w", FLOATS).write(tmp_path)
    ckpt = tb.open(prefix)
    for name in ("odd\udcff", b"odd\xff", "w", b"w"):
        assert name in ckpt
        assert same(ckpt[name], FLOATS)
    for name in ("\ud800", "", b"\xff", "v"):
        assert name not in ckpt
        with pytest.raises(tb.TensorNotFoundError, match="there is no tensor"):
            ckpt[name]


# --- shards that cannot be opened ----------------------------------------------------------------


def shard_of(prefix):
    return Path(f"{prefix}.data-00000-of-00001")


def test_verify_says_what_keeps_a_shard_from_being_opened(tmp_path):
    prefix, _ = saved(tmp_path, 5)
    names = ": with it 't000', 't001', 't002' and 2 more"
    shard_of(prefix).unlink()
    (fault,) = tb.open(prefix).verify().faults
    assert fault.kind == "missing shard"
    assert fault.message == f"the shard {shard_of(prefix).name!r} is missing" + names
    shard_of(prefix).mkdir()
    (fault,) = tb.open(prefix).verify().faults
    assert fault.kind == "unreadable"
    assert "this is a directory, not a file" in fault.message
    assert fault.message.endswith(names)
    shard_of(prefix).rmdir()
    shard_of(prefix).symlink_to(shard_of(prefix).name)
    (fault,) = tb.open(prefix).verify().faults
    assert fault.kind == "unreadable"
    assert "oo many levels of symbolic links" in fault.message
    assert (fault.name, fault.shard, fault.path) == (None, 0, str(shard_of(prefix)))


def test_every_way_of_reading_says_what_keeps_a_shard_from_being_opened(tmp_path):
    prefix, _ = saved(tmp_path, 5)
    shard_of(prefix).unlink()
    check_all_ways(prefix, "t001")
    with pytest.raises(tb.MissingFileError, match="the index is here, the tensors' bytes are not"):
        tb.open(prefix)["t001"]
    shard_of(prefix).mkdir()
    check_all_ways(prefix, "t001")
    shard_of(prefix).rmdir()
    shard_of(prefix).symlink_to(shard_of(prefix).name)
    check_all_ways(prefix, "t001")


# --- saved over while open -----------------------------------------------------------------------

WAYS = {
    "item": lambda ckpt: ckpt["a"],
    "views": lambda ckpt: ckpt.views(),
    "load": lambda ckpt: ckpt.load(),
    "items": lambda ckpt: list(ckpt.items()),
    "values": lambda ckpt: list(ckpt.values()),
    "slice": lambda ckpt: ckpt.read_slice("a", np.s_[0]),
    "chunks": lambda ckpt: list(ckpt.chunks("a")),
    "strings": lambda ckpt: ckpt["s"],
}
OLD = {"a": FLOATS, "b": FLOATS + 100, "s": strings(b"old")}
NEW = {"a": FLOATS + 200, "b": FLOATS, "s": strings(b"new")}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("verify", ["read", "never"])
@pytest.mark.parametrize("mode", ["r", "read"])
def test_a_checkpoint_saved_over_is_never_another_ones_bytes(tmp_path, way, verify, mode):
    prefix = str(tmp_path / "model")
    tb.save(prefix, OLD)
    ckpt = tb.open(prefix, mode=mode, verify=verify)
    assert ckpt.info("a").shape == (3, 4)
    tb.save(prefix, NEW, overwrite=True)
    with pytest.raises(tb.FormatError, match="replaced or changed after it had been opened"):
        WAYS[way](ckpt)
    assert same(tb.open(prefix)["a"], NEW["a"])


def test_a_shard_alone_that_is_put_in_place_of_another_is_refused(tmp_path):
    for name, tensors in (("old", OLD), ("new", NEW)):
        tb.save(str(tmp_path / name), tensors)
    ckpt = tb.open(str(tmp_path / "old"), verify="never")
    os.replace(shard_of(tmp_path / "new"), shard_of(tmp_path / "old"))
    with pytest.raises(tb.FormatError, match="replaced or changed"):
        ckpt["a"]
    (fault,) = ckpt.verify().faults
    assert fault.kind == "replaced"


def test_what_was_read_before_a_save_stays_what_it_was(tmp_path):
    prefix = str(tmp_path / "model")
    tb.save(prefix, OLD)
    ckpt = tb.open(prefix)
    first = ckpt["a"]
    tb.save(prefix, NEW, overwrite=True)
    assert same(first, OLD["a"])
    assert same(ckpt["b"], OLD["b"])  # of the same shard, which is still the old one
