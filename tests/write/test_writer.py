"""What `save` and `Writer` write, byte for byte beside what TensorFlow writes."""

import math
import tempfile
import time
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tensorbundle as tb
from tensorbundle._format import dtypes
from tests.oracle.client import Module, TensorFlow
from tests.write.saving import files, strings

KINDS = [
    name
    for number in range(1, 34)
    if (name := dtypes.name_of(number)) not in ("string", "resource", "variant")
]
HIGHEST_BYTE = {"bool": 1, "int2": 3, "uint2": 3, "int4": 15, "uint4": 15, "float4_e2m1fn": 15}


@pytest.fixture(scope="module")
def oracle(oracle: TensorFlow) -> Module:
    """TensorFlow's own saving."""
    return oracle.module("tests.write.saving_programs")


def bits(kind: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray[Any, Any]:
    """An array of arbitrary bits."""
    dtype = dtypes.numpy_dtype(dtypes._NAMES.index(kind))
    assert dtype is not None
    random = np.random.default_rng(seed)
    stream = random.integers(0, 256, math.prod(shape) * dtype.itemsize, np.uint8)
    return (stream & np.uint8(HIGHEST_BYTE.get(kind, 255))).view(dtype).reshape(shape)


def spec_string(shape: tuple[int, ...], spec: str) -> str:
    return " ".join(map(str, (*shape, spec)))


# --- byte identity ----------------------------------------------------------------------------

names = st.binary(min_size=1, max_size=12) | st.text(min_size=1, max_size=30).map(
    lambda text: text.encode("utf-8", "surrogatepass")
)
shapes = st.lists(st.integers(0, 5), max_size=4).map(tuple)
string_arrays = st.lists(st.binary(max_size=300), max_size=6).map(lambda each: strings(*each))
values = string_arrays.map(lambda array: ("string", array)) | st.builds(
    lambda kind, shape, seed: (kind, bits(kind, shape, seed)),
    st.sampled_from(KINDS),
    shapes,
    st.integers(0, 9),
)
tensor_sets = st.dictionaries(names, values, min_size=1, max_size=12)


def dtypes_of(tensors: dict[bytes, tuple[str, Any]]) -> dict[str, str]:
    decode = {name.decode("utf-8", "surrogateescape"): kind for name, (kind, _) in tensors.items()}
    return {name: kind for name, kind in decode.items() if kind.startswith("q")}


@settings(max_examples=150)
@given(tensors=tensor_sets)
def test_one_shard_is_what_savev2_writes(oracle: Module, tensors: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        oracle.save(f"{folder}/t", [(n, "", array, kind) for n, (kind, array) in tensors.items()])
        arrays = {name: array for name, (_, array) in tensors.items()}
        tb.save(f"{folder}/o", arrays, dtypes=dtypes_of(tensors))
        assert files(f"{folder}/o") == files(f"{folder}/t")


@settings(max_examples=60)
@given(data=st.data(), tensors=tensor_sets)
def test_several_shards_are_what_mergev2checkpoints_makes(
    oracle: Module, data: Any, tensors: Any
) -> None:
    count = data.draw(st.integers(1, min(4, len(tensors))))
    rest = [data.draw(st.integers(0, count - 1)) for _ in range(len(tensors) - count)]
    shard_of = dict(zip(tensors, [*range(count), *rest], strict=True))
    with tempfile.TemporaryDirectory() as folder:
        for shard in range(count):
            items = [
                (name, "", array, kind)
                for name, (kind, array) in tensors.items()
                if shard_of[name] == shard
            ]
            oracle.save(f"{folder}/part{shard}", items)
        oracle.merge([f"{folder}/part{shard}" for shard in range(count)], f"{folder}/t")
        shards = {n.decode("utf-8", "surrogateescape"): each for n, each in shard_of.items()}
        arrays = {name: array for name, (_, array) in tensors.items()}
        tb.save(f"{folder}/o", arrays, shards=shards, dtypes=dtypes_of(tensors))
        assert files(f"{folder}/o") == files(f"{folder}/t")


@pytest.mark.filterwarnings("ignore:TensorFlow cannot join")
@pytest.mark.parametrize("shards", [(0, 0, 0), (1, 0, 1)])
@pytest.mark.parametrize("kind", [*KINDS, "string"])
def test_slices_are_what_tensorflow_writes(
    oracle: Module, tmp_path: Path, kind: str, shards: tuple[int, ...]
) -> None:
    whole = (
        strings(*(b"s%d" % i * (i % 5) for i in range(21))).reshape(3, 7)
        if kind == "string"
        else bits(kind, (3, 7))
    )
    parts = {"2,1:-": np.s_[2:3, :], "0,2:0,3": np.s_[0:2, 0:3], "0,2:3,4": np.s_[0:2, 3:7]}
    items = [(b"w", spec_string((3, 7), spec), whole[box], kind) for spec, box in parts.items()]
    plain = (b"x\0\xff", "", np.float32(1), "float32")
    if len(set(shards)) == 1:
        oracle.save(str(tmp_path / "t"), [*items, plain])
    else:
        for shard in (0, 1):
            chosen = [item for item, each in zip(items, shards, strict=True) if each == shard]
            oracle.save(str(tmp_path / f"p{shard}"), [*chosen, *([plain] if shard else [])])
        oracle.merge([str(tmp_path / "p0"), str(tmp_path / "p1")], str(tmp_path / "t"))
    with tb.Writer(tmp_path / "o") as writer:
        for shard, (spec, box) in zip(shards, parts.items(), strict=True):
            given = (
                spec
                if shard
                else tuple(
                    slice(None) if s == "-" else b
                    for s, b in zip(spec.split(":"), box, strict=True)
                )
            )
            dtype = kind if kind.startswith("q") else None
            writer.add_slice("w", whole[box], (3, 7), given, dtype=dtype, shard=shard)
        writer.add(b"x\0\xff", np.float32(1))
    assert files(tmp_path / "o") == files(tmp_path / "t")
    np.testing.assert_array_equal(tb.open(tmp_path / "o")["w"].view(), whole)


def test_a_slice_of_everything_is_stored_as_the_tensor(oracle: Module, tmp_path: Path) -> None:
    array = bits("float32", (4, 6))
    items = [
        (n, spec_string((4, 6), s), array, "float32") for n, s in [(b"a", "-:-"), (b"b", "0,4:0,6")]
    ]
    oracle.save(str(tmp_path / "t"), items)
    with tb.Writer(tmp_path / "o") as writer:
        writer.add_slice("a", array, (4, 6), "-:-")
        writer.add_slice("b", array, (4, 6), "0,4:0,6")
    assert files(tmp_path / "o") == files(tmp_path / "t")


def test_an_index_of_50000_entries_is_tensorflows(oracle: Module, tmp_path: Path) -> None:
    tensors = {
        f"scope_{i // 100}/layer_{i}/Adam/m": np.full(4, i, np.float32) for i in range(50000)
    }
    oracle.save(str(tmp_path / "t"), [(n.encode(), "", a, "float32") for n, a in tensors.items()])
    tb.save(tmp_path / "o", tensors)
    ours, theirs = files(tmp_path / "o"), files(tmp_path / "t")
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []


def test_long_names_cut_blocks_as_tensorflow_does(oracle: Module, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    sizes = [*range(1, 40), 3000, 60_000, 262_100, 524_280, 524_288, 530_000]
    tensors = {
        bytes(random.choice([0, 97, 98, 255], size).astype(np.uint8)): np.int8(i)
        for i, size in enumerate(sizes)
    }
    oracle.save(str(tmp_path / "t"), [(n, "", a, "int8") for n, a in tensors.items()])
    tb.save(tmp_path / "o", tensors)
    assert files(tmp_path / "o") == files(tmp_path / "t")


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_large_tensors_are_written_by_all_threads_alike(
    oracle: Module, tmp_path: Path, threads: int
) -> None:
    # Around the sizes at which writing changes its ways: 4 KiB, 256 KiB, 4 MiB.
    sizes = [1, 4095, 4096, 4097, 262_143, 4 << 20, (4 << 20) + 1, 3, 9_999_999, 0, 5]
    tensors = {f"t{i}": bits("uint8", (size,), i) for i, size in enumerate(sizes)}
    oracle.save(str(tmp_path / "t"), [(n.encode(), "", a, "uint8") for n, a in tensors.items()])
    tb.save(tmp_path / "many", tensors, threads=threads)
    with tb.Writer(tmp_path / "single", threads=threads, fsync=False) as writer:
        for name, array in tensors.items():
            writer.add(name, array)
    with tb.Writer(tmp_path / "chunks", threads=threads) as writer:
        for name, array in tensors.items():
            pieces = (array[at : at + 3_000_001] for at in range(0, array.size, 3_000_001))
            writer.add_chunks(name, "uint8", array.shape, (piece.data for piece in pieces))
    for each in ("many", "single", "chunks"):
        assert files(tmp_path / each) == files(tmp_path / "t")


# --- TensorFlow reads it ----------------------------------------------------------------------


@pytest.mark.parametrize("alignment", [1, 64, 4096])
def test_tensorflow_restores_every_dtype(oracle: Module, tmp_path: Path, alignment: int) -> None:
    tensors = {kind: bits(kind, (3, 5)) for kind in KINDS}
    tensors["string"] = strings(b"a", b"", b"xyz" * 100)
    quantised = {kind: kind for kind in KINDS if kind.startswith("q")}
    tb.save(tmp_path / "o", tensors, alignment=alignment, dtypes=quantised)
    wanted = [(kind.encode(), "", kind) for kind in tensors]
    for array, (kind, value) in zip(
        oracle.restore(str(tmp_path / "o"), wanted), tensors.items(), strict=True
    ):
        assert array.tobytes() == value.tobytes() or kind == "string"
        assert kind != "string" or array.tolist() == value.tolist()
    ckpt = tb.open(tmp_path / "o")
    assert ckpt.verify().ok
    assert all((ckpt.info(kind).offset or 0) % alignment == 0 for kind in tensors)


def test_max_shard_bytes_begins_a_new_shard_when_one_is_full(
    oracle: Module, tmp_path: Path
) -> None:
    tensors = {f"t{i}": np.full(100, i, np.uint8) for i in range(7)} | {"big": np.ones(300)}
    tb.save(tmp_path / "o", tensors, max_shard_bytes=250)
    sizes = [len(data) for name, data in sorted(files(tmp_path / "o").items()) if "data" in name]
    assert sizes == [200, 200, 200, 100, 2400]
    wanted = [(name.encode(), "", array.dtype.name) for name, array in tensors.items()]
    for array, value in zip(
        oracle.restore(str(tmp_path / "o"), wanted), tensors.values(), strict=True
    ):
        np.testing.assert_array_equal(array, value)


# --- what may be given ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [7, -(2**31), 2**31, 2**40, 2.5, True, 1 + 2j, [], [[]], [1, 2**40], [1.0, 2],
     [[True], [False]], "é", b"\xff", ["a", "bb"], [b"a", b""], [[1, 2], [3, 4]]],
)  # fmt: skip
def test_python_values_become_what_tf_constant_makes(
    oracle: Module, tmp_path: Path, value: Any
) -> None:
    expected = np.asarray(oracle.constant(value))
    tb.save(tmp_path / "o", {"v": value})
    found = tb.open(tmp_path / "o")["v"]
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape) or isinstance(
        expected.item(0), bytes
    )
    np.testing.assert_array_equal(found, np.asarray(expected, found.dtype))


def test_arrays_of_any_layout_are_stored_in_c_order(tmp_path: Path) -> None:
    base = np.arange(24, dtype=np.float32).reshape(4, 6)
    given = {
        "fortran": np.asfortranarray(base),
        "transposed": base.T,
        "strided": base[::2, ::-1],
        "big_endian": base.astype(">f4"),
        "broadcast": np.broadcast_to(np.float32(3), (2, 3)),
        "scalar": np.float64(2),
        "fixed_bytes": np.array([b"a", b"bcd"]),
        "unicode": np.array(["ä", "b"]),
        "int4": np.array([-2, 7, -8], ml_dtypes.int4),
        "matrix": base.view(np.memmap),
    }
    tb.save(tmp_path / "o", given)
    ckpt = tb.open(tmp_path / "o")
    assert ckpt.verify().ok
    assert ckpt["unicode"].tolist() == ["ä".encode(), b"b"]
    assert ckpt["fixed_bytes"].tolist() == [b"a", b"bcd"]
    for name in given.keys() - {"unicode", "fixed_bytes"}:
        np.testing.assert_array_equal(ckpt[name], given[name])
        assert ckpt[name].shape == np.shape(given[name])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros(2, "M8[s]"), "no type for datetime64.*view"),
        (np.zeros(2, np.longdouble), "no type for.*astype"),
        (np.zeros(2, "i4,f4"), "each field as a tensor"),
        (np.ma.masked_array([1, 2], [0, 1]), "masked"),
        (np.array([b"a", 3], object), "element 1 is <class 'int'>"),
        ([[1], [2, 3]], "no array can be made"),
    ],
)
def test_values_that_no_type_holds_are_refused_and_nothing_is_left(
    tmp_path: Path, value: Any, message: str
) -> None:
    with pytest.raises(tb.ConversionError, match=message):
        tb.save(tmp_path / "o", {"good": np.zeros(3), "bad": value})
    assert files(tmp_path / "o") == {}


def test_tensors_added_one_by_one_cost_the_same_each(tmp_path: Path) -> None:
    def seconds(count: int) -> float:
        start = time.process_time()
        with tb.Writer(tmp_path / "many", fsync=False, overwrite=True) as writer:
            for number in range(count):
                writer.add(f"tensor/{number}", np.float32(number))
        return time.process_time() - start

    seconds(100)
    assert min(seconds(20_000), seconds(20_000)) < 40 * min(seconds(2_000), seconds(2_000))
