"""Makers of V2 bundles of whole tensors: dtypes, strings, names, prefixes, blocks, shards."""

import struct
from pathlib import Path

import cramjam
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import tensor_bundle_pb2

from tests.golden.fixture import (
    NUMERIC,
    Fixture,
    dtype_of,
    make_parent,
    merge_v2,
    pattern,
    save_v2,
    strings,
    tensor,
)
from tests.golden.table_file import build_table, masked_crc, read_table, varint

SHAPES = {
    "scalar": (),
    "vector": (5,),
    "matrix": (3, 4),
    "rank5": (2, 1, 3, 1, 2),
    "empty": (0,),
    "empty_middle": (3, 0, 2),
}


def tensor_list(values: list[float]) -> tf.Tensor:
    """Return a scalar variant that holds a TensorList."""
    return tf.raw_ops.TensorListFromTensor(
        tensor=tf.constant(values), element_shape=tf.constant([], tf.int32)
    )


def make_dtypes() -> list[Fixture]:
    """Every dtype that can be saved × every kind of shape."""
    saved, written = [], {}
    for dtype in NUMERIC:
        for kind, shape in SHAPES.items():
            name, array = f"{dtype}/{kind}".encode(), pattern(dtype, shape)
            written[name] = array
            saved.append((name, "", tensor(array, dtype)))
    for kind, shape in SHAPES.items():
        name, count = f"string/{kind}".encode(), int(np.prod(shape))
        written[name] = strings(*(b"element %d" % i for i in range(count)), shape=shape)
        saved.append((name, "", written[name]))
    saved.append((b"variant/scalar", "", tensor_list([1.0, 2.0])))
    saved.append((b"variant/vector", "", tf.stack([tensor_list([3.0]), tensor_list([])])))
    written |= {b"variant/scalar": None, b"variant/vector": None}
    save_v2("dtypes", saved)
    return [Fixture("dtypes", written=written, note="every dtype and kind of shape")]


def make_strings() -> list[Fixture]:
    """Elements of every awkward length and content."""
    written = {
        b"empty_element": strings(b""),
        b"empty_scalar": strings(b"", shape=()),
        b"no_elements": strings(shape=(0,)),
        b"no_elements_rank3": strings(shape=(2, 0, 4)),
        b"unicode": strings("Grüße, 世界 🌍".encode(), "é".encode()),
        b"not_utf8": strings(b"\xff\xfe\x80", b"\xc3("),
        b"embedded_nul": strings(b"a\0b", b"\0", b"ends with nul\0"),
        b"length_127_128": strings(b"x" * 127, b"y" * 128),
        b"length_300": strings(b"0123456789" * 30),
        b"length_70000": strings(b"before", b"seventy " * 8750, b"after"),
        b"rank2": strings(b"a", b"bb", b"", b"dddd", b"ee", b"f" * 200, shape=(2, 3)),
        b"scalar": strings(b"just one", shape=()),
        b"many": strings(*(b"%d" % (i * i) for i in range(700))),
    }
    save_v2("strings", [(name, "", array) for name, array in written.items()])
    return [Fixture("strings", written=written)]


def make_names() -> list[Fixture]:
    """Tensor names of any bytes."""
    names = [
        *(b"with space", b" leading", b"trailing ", b"tab\tand\nnewline", "größe/重み/🌍".encode()),
        *(b"/leading/slash", b"trailing/", b"double//slash", b"a", b"a/b", b"a.b", b"a0"),
        *(b"\xff", b"\xff\xff\xfe", b"latin1 caf\xe9", b"\x00", b"\x00leading nul", b"in\x00side"),
        *(b"\x00w\x00\x01\x00", "\uffff bmp".encode(), "\U00010000 beyond".encode()),
        *(b"*", b"?[x]", b'"quoted"', b"'single'", b"back\\slash", b"-dash", b"{brace}"),
        b"\x1b[1mescape",
        *(b"long/" + b"n" * 10_000, b"long/" + b"n" * 9_999 + b"o"),
    ]
    written = {name: np.array([i, -i], np.float32) for i, name in enumerate(names)}
    save_v2("names", [(name, "", array) for name, array in written.items()])
    return [Fixture("names", written=written, note="names decoded as UTF-8 with surrogateescape")]


def make_prefixes() -> list[Fixture]:
    """Prefixes that are awkward for shells, globs and path handling."""
    fixtures = []
    bases = ["my model.ckpt", "model[1].ckpt", "modèle-重み.ckpt", "-model", ".hidden", "v1.2.3"]
    for base in bases:
        prefix = f"prefixes/{base}"
        written = {b"weights": pattern("float32", (3, 2), base), b"label": strings(base.encode())}
        save_v2(prefix, [(name, "", array) for name, array in written.items()])
        files = [f"{prefix}.index", f"{prefix}.data-00000-of-00001"]
        fixtures.append(Fixture(prefix, written=written, spellings=files))
    written = {b"weights": pattern("float32", (3, 2), "empty")}
    save_v2("prefixes/empty base name/", [(name, "", array) for name, array in written.items()])
    fixtures.append(
        Fixture(
            "prefixes/empty base name/",
            written=written,
            spellings=[f"prefixes/empty base name/{x}" for x in (".index", ".data-00000-of-00001")],
            note="the files are .index and .data-00000-of-00001",
        )
    )
    return fixtures


def make_blocks() -> list[Fixture]:
    """Indexes of several blocks: as TensorFlow cuts them, and small snappy ones."""
    many = {
        b"tower_%d/layer_%03d/unit_%05d" % (i // 7000, i // 50, i): np.array([[i % 127]], np.int8)
        for i in range(20_000)
    }
    save_v2("blocks/many", [(name, "", array) for name, array in many.items()])
    few = {name: array.astype(np.int16) * 3 for name, array in list(many.items())[:3000]}
    save_v2("blocks/snappy", [(name, "", array) for name, array in few.items()])
    index = Path("blocks/snappy.index")
    entries = read_table(index.read_bytes())
    assert build_table(entries) == index.read_bytes(), "the rebuilt table differs from TensorFlow's"
    index.write_bytes(build_table(entries, block_size=4096, compress=cramjam.snappy.compress_raw))
    note = "index re-cut into blocks of 4 KiB, compressed with snappy"
    return [
        Fixture("blocks/many", written=many, digest_only=True, note="index of several blocks"),
        Fixture("blocks/snappy", written=few, digest_only=True, note=note),
    ]


def make_shards() -> list[Fixture]:
    """Bundles of several data files."""
    written, parts = {}, []
    for shard in range(3):
        part = f"shards/merged_temp/part-{shard:05d}-of-00003"
        group = {
            f"shard{shard}/{name}".encode(): array
            for name, array in {
                "kernel": pattern("float32", (4, 3), f"k{shard}"),
                "bias": pattern("float64", (3 + shard,), f"b{shard}"),
                "names": strings(*(b"s%d-%d" % (shard, i) for i in range(shard + 1))),
                "empty": np.zeros((0, 2), np.float16),
            }.items()
        }
        save_v2(part, [(name, "", array) for name, array in group.items()])
        parts.append(part)
        written |= group
    merge_v2(parts, "shards/merged")
    Path("shards/merged_temp").rmdir()

    # TensorFlow never opens a shard that no entry names; its own merge leaves such headers.
    index = Path("shards/merged.index").read_bytes()
    used = [entry for entry in read_table(index) if not entry[0].startswith(b"shard1/")]
    header = tensor_bundle_pb2.BundleHeaderProto.FromString(used[0][1])
    header.num_shards = 4
    used[0] = (b"", header.SerializeToString())
    Path("shards/unreferenced.index").write_bytes(build_table(used))
    for shard in (0, 2):
        data = Path(f"shards/merged.data-{shard:05d}-of-00003").read_bytes()
        Path(f"shards/unreferenced.data-{shard:05d}-of-00004").write_bytes(data)
    kept = {name: array for name, array in written.items() if not name.startswith(b"shard1/")}
    note = "the header says 4 shards; no entry names 1 and 3, and their files do not exist"
    return [
        Fixture("shards/merged", written=written),
        Fixture("shards/unreferenced", written=kept, note=note),
    ]


def big_endian_strings(array: np.ndarray) -> tuple[bytes, int]:
    """Return the stored bytes and masked CRC of a big-endian string tensor (format.md §5.7)."""
    elements = array.reshape(-1).tolist()
    lengths = b"".join(struct.pack(">I", len(element)) for element in elements)
    checksum = struct.pack(">I", masked_crc(lengths))
    payload = b"".join(elements)
    stored = b"".join(varint(len(element)) for element in elements) + checksum + payload
    return stored, masked_crc(lengths + checksum + payload)


def make_big_endian() -> list[Fixture]:
    """A bundle as a big-endian machine writes it."""
    written = {
        f"{dtype}/{kind}".encode(): pattern(dtype, SHAPES[kind])
        for dtype in NUMERIC
        if "float8" not in dtype and "int4" not in dtype and "int2" not in dtype
        if dtype != "float4_e2m1fn"
        for kind in ("scalar", "matrix", "empty")
    }
    written[b"string/vector"] = strings(b"big", b"", b"endian" * 60)
    written[b"string/empty"] = strings(shape=(0,))
    data, entries = b"", []
    for name, array in written.items():
        if array.dtype == object:
            stored, crc = big_endian_strings(array)
        else:
            part = array.real.dtype.itemsize  # a complex number's halves are swapped each
            stored = array.reshape(-1).view(np.uint8).reshape(-1, part)[:, ::-1].tobytes()
            crc = masked_crc(stored)
        entry = tensor_bundle_pb2.BundleEntryProto(
            dtype=dtype_of(name.decode().split("/")[0]).as_datatype_enum,
            offset=len(data),
            size=len(stored),
            crc32c=crc,
        )
        entry.shape.SetInParent()
        for size in array.shape:
            entry.shape.dim.add(size=size)
        entries.append((name, entry.SerializeToString()))
        data += stored
    header = bytes.fromhex("080110011a020801")
    make_parent("big_endian")
    Path("big_endian.index").write_bytes(build_table([(b"", header), *sorted(entries)]))
    Path("big_endian.data-00000-of-00001").write_bytes(data)
    return [Fixture("big_endian", written=written, note="made by hand after format.md §5.7")]


def make() -> list[Fixture]:
    """Write all of them into the current directory."""
    makers = (make_dtypes, make_strings, make_names, make_prefixes, make_blocks, make_shards)
    return [fixture for maker in (*makers, make_big_endian) for fixture in maker()]
