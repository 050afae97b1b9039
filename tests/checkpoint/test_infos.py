"""Facts of tensors, as the core makes them."""

import gc

import numpy as np
import pytest

import tensorbundle as tb
from tests.format.handmade import Handmade, strings

FLOATS = np.arange(12, dtype=np.float32).reshape(3, 4)


def test_infos_are_those_of_single_look_ups(tmp_path):
    bundle = Handmade().add("a", FLOATS).add("s", strings(b"x")).add("v", FLOATS, dtype=21)
    bundle.add("new", FLOATS, dtype=99)
    bundle.add_sliced("parts", np.arange(10, dtype=np.int32), [((0, 4),), ((4, 6),)])
    ckpt = tb.open(bundle.write(tmp_path))
    infos = ckpt.infos()
    assert infos == [tb.open(ckpt.location.prefix).info(info.name) for info in infos]
    parts = next(info for info in infos if info.name == "parts")
    assert (parts.nbytes, parts.shard, parts.offset, parts.crc32c) == (40, None, None, None)
    assert parts.slices == (((0, 4),), ((4, 6),))
    assert repr(infos[0]).startswith("TensorInfo(name='a', dtype=dtype('float32'), shape=(3, 4)")
    with pytest.raises(AttributeError, match="cannot assign to field 'name'"):
        infos[0].name = "b"


def test_a_dtype_that_no_array_holds_is_refused_by_the_info(tmp_path):
    bundle = Handmade().add("v", FLOATS, dtype=21).add("deep", np.zeros(0, np.float32))
    bundle.add("flat", FLOATS).add("many", np.zeros(1, np.float32), shape=(1,) * 65)
    ckpt = tb.open(bundle.write(tmp_path))
    assert ckpt.info("flat").array_dtype() == np.float32
    with pytest.raises(tb.UnsupportedError, match="tensors of type variant cannot be read"):
        ckpt.info("v").array_dtype()
    with pytest.raises(tb.UnsupportedError, match="at most 64 dimensions"):
        ckpt.info("many").array_dtype()


@pytest.mark.parametrize("is_on", [True, False])
def test_the_garbage_collector_is_left_as_it_was(tmp_path, is_on):
    good = Handmade().add("w", np.zeros(2, np.float32)).write(tmp_path / "good")
    bad = Handmade()
    bad.entries[b"w"] = b"\x08"
    try:
        (gc.enable if is_on else gc.disable)()
        assert len(tb.open(good).infos()) == 1
        assert gc.isenabled() is is_on
        with pytest.raises(tb.FormatError, match=r"cut off|malformed|truncated|ends"):
            tb.open(bad.write(tmp_path / "bad")).infos()
        assert gc.isenabled() is is_on
    finally:
        gc.enable()
