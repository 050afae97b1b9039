"""Weights on their way from a checkpoint into a frozen graph: every bit, nothing by halves."""

import json
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._graphdef.attributes import (
    shape_attr,
    string_list_attr,
    type_attr,
    type_list_attr,
)
from tensorbundle._graphdef.nodes import const_node, make_node
from tests.checkpoint.v1_files import write_tensor
from tests.format.handmade import Handmade, header, same, strings
from tests.freeze.models import in_tensorflow
from tests.freeze.programs.arrays import exact, read_arrays, write_arrays
from tests.golden.table_file import varint
from tests.graph.small_graphs import (
    constant,
    graph_def,
    identity,
    operation,
    some_of_each_type,
    variable,
    write_meta,
    write_model,
)

EXOTIC = {
    **some_of_each_type(),
    "scalar": np.float32(np.pi),
    "empty": np.zeros((0, 7), np.float64),
    "text": strings(b"", b"a\0b\0", b"\xff\xfe", b"long" * 1000, shape=(2, 2)),
    "word": np.array(b"word", object),
    "no text": np.empty((0,), object),
    "nan": np.array([np.nan, -0.0, np.inf], np.float32),
}


def outputs_of(values: dict[str, Any]) -> dict[str, str]:
    return {name.replace(" ", "_"): f"read_{name}" for name in values}


@pytest.fixture
def small_files() -> Iterator[None]:
    """Files cannot grow beyond 5 MB: what a full disk is to a writer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


# --- every bit ----------------------------------------------------------------------------------


@pytest.mark.parametrize("verify", [True, False])
def test_values_of_every_type_are_written_as_they_are_stored(tmp_path: Path, verify: bool) -> None:
    meta = write_model(tmp_path, EXOTIC)
    frozen = tb.freeze(meta, outputs=outputs_of(EXOTIC), path=tmp_path / "f.pb", verify=verify)
    graph = tb.load_graph(tmp_path / "f.pb")
    for name, value in EXOTIC.items():
        assert same(constant(graph, name), value), name
    assert frozen.nbytes == os.path.getsize(tmp_path / "f.pb")
    assert {each.name for each in frozen.variables} == set(EXOTIC)


def test_tensorflow_reads_the_same_values(tmp_path: Path) -> None:
    values = {name.replace(" ", "_"): value for name, value in EXOTIC.items()}
    meta = write_model(tmp_path / "m", values)
    outputs = {name: f"{name}:0" for name in values}
    path = tmp_path / "f.pb"
    tb.freeze(meta, outputs=outputs, path=path)
    write_arrays(tmp_path / "feeds.npz", {})
    order = {"graph": str(path), "feeds": str(tmp_path / "feeds.npz"), "outputs": outputs,
             "init_ops": [], "answer": str(tmp_path / "answer.npz")}  # fmt: skip
    (tmp_path / "orders.json").write_text(json.dumps([order]))
    in_tensorflow("worker", "run", tmp_path)
    assert not (tmp_path / "answer.error").exists(), (tmp_path / "answer.error").read_text()
    answers = read_arrays(tmp_path / "answer.npz")
    assert {k: exact(v) for k, v in answers.items()} == {
        k: exact(np.asarray(v)) for k, v in values.items()
    }


def test_quantised_types_keep_their_number(tmp_path: Path) -> None:
    with tb.Writer(tmp_path / "model.ckpt") as writer:
        writer.add("q", np.arange(6, dtype=np.int8), dtype="qint8")
    meta = write_meta(tmp_path / "model.ckpt.meta", [variable("q", 11, (6,))])
    tb.freeze(meta, outputs="q", path=tmp_path / "f.pb")
    node = tb.load_graph(tmp_path / "f.pb").nodes["q"]
    assert (node.attr("dtype"), node.attr("value").dtype) == (11, 11)


def test_in_memory_and_in_a_file_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    meta = write_model(tmp_path, EXOTIC)
    first = tb.freeze(meta, outputs=outputs_of(EXOTIC), path=tmp_path / "1.pb")
    second = tb.freeze(meta, outputs=outputs_of(EXOTIC), path=tmp_path / "2.pb")
    third = tb.freeze(meta, outputs=outputs_of(EXOTIC))
    assert first.data is None
    assert third.path is None
    assert (tmp_path / "1.pb").read_bytes() == (tmp_path / "2.pb").read_bytes() == third.data
    assert first.outputs == second.outputs == third.outputs


def test_large_weights_lie_between_small_ones(tmp_path: Path) -> None:
    random = np.random.RandomState(1)
    sizes = (1, 5_000_000, 3, 1_100_000, 77, 9_000_001)
    values = {f"w{i}": random.bytes(size) for i, size in enumerate(sizes)}
    arrays = {name: np.frombuffer(raw, np.uint8) for name, raw in values.items()}
    meta = write_model(tmp_path, arrays)
    contents = []
    for verify in (True, False):
        path = tmp_path / f"{verify}.pb"
        tb.freeze(meta, outputs=outputs_of(arrays), path=path, verify=verify)
        contents.append(path.read_bytes())
        graph = tb.load_graph(path)
        assert all(same(constant(graph, name), value) for name, value in arrays.items())
    assert contents[0] == contents[1]


# --- parts of tensors ---------------------------------------------------------------------------

WHOLE = np.arange(60, dtype=np.float32).reshape(10, 6)
PARTS = {
    "rows": ("10 6 2,5:-", WHOLE[2:7]),
    "columns": ("10 6 -:1,3", WHOLE[:, 1:4]),
    "box": ("10 6 4,3:0,4", WHOLE[4:7, :4]),
    "all": ("10 6 -:-", WHOLE),
    "first": ("10 6 0,4:-", WHOLE[:4]),
}


def restored_parts(folder: Path) -> str:
    """A graph that restores parts of the tensor `w`."""
    nodes = [
        const_node("file", np.array(b"", object)),
        const_node("names", np.array([b"w"] * len(PARTS), object)),
        const_node("parts", np.array([part.encode() for part, _ in PARTS.values()], object)),
    ]
    restore = {"dtypes": type_list_attr([1] * len(PARTS))}
    nodes.append(make_node("restore", "RestoreV2", ("file", "names", "parts"), restore))
    for i, (name, (_, value)) in enumerate(PARTS.items()):
        nodes += [variable(name, 1, value.shape), identity(f"read_{name}", name)]
        nodes.append(make_node(f"a{i}", "Assign", (name, f"restore:{i}"), {"T": type_attr(1)}))
    return write_meta(folder / "model.ckpt.meta", nodes)


@pytest.mark.parametrize("cut", ["whole", "rows", "columns"])
@pytest.mark.parametrize("verify", [True, False])
def test_parts_of_a_stored_tensor(tmp_path: Path, cut: str, verify: bool) -> None:
    bundle = Handmade()
    if cut == "whole":
        bundle.add("w", WHOLE)
    elif cut == "rows":
        bundle.add_sliced("w", WHOLE, [((4, 6), (0, None)), ((0, 4), (0, None))])
    else:
        bundle.add_sliced("w", WHOLE, [((0, None), (0, 2)), ((0, None), (2, 4))])
    bundle.write(tmp_path)
    meta = restored_parts(tmp_path)
    tb.freeze(meta, outputs=outputs_of(PARTS), path=tmp_path / "f.pb", verify=verify)
    graph = tb.load_graph(tmp_path / "f.pb")
    for name, (_, value) in PARTS.items():
        assert same(constant(graph, name), value), name


def test_part_of_a_damaged_tensor_is_not_written(tmp_path: Path) -> None:
    Handmade().add("w", WHOLE, crc=1).write(tmp_path)
    meta = restored_parts(tmp_path)
    for name in ("rows", "columns"):
        with pytest.raises(tb.ChecksumError, match="checksum mismatch in tensor 'w'"):
            tb.freeze(meta, outputs=f"read_{name}", path=tmp_path / "f.pb")


def test_checkpoints_of_version_1(tmp_path: Path) -> None:
    values = b"".join(varint(i) for i in range(6))
    path = write_tensor(tmp_path / "model.ckpt", 3, (2, 3), values=varint(7 << 3 | 2) +
                        varint(len(values)) + values)  # fmt: skip
    meta = write_meta(tmp_path / "graph.meta", [variable("x", 3, (2, 3))])
    tb.freeze(meta, path, outputs="x", path=tmp_path / "f.pb")
    found = constant(tb.load_graph(tmp_path / "f.pb"), "x")
    assert same(found, np.arange(6, dtype=np.int32).reshape(2, 3))


def test_big_endian_weights_are_swapped(tmp_path: Path) -> None:
    bundle = Handmade(header=header(big_endian=True))
    bundle.add("x", np.array([1, 2, 3], ">f4").view(np.uint8), dtype=1, shape=(3,))
    prefix = bundle.write(tmp_path)
    meta = write_meta(f"{prefix}.meta", [variable("x", 1, (3,))])
    tb.freeze(meta, outputs="x", path=tmp_path / "f.pb")
    assert constant(tb.load_graph(tmp_path / "f.pb"), "x").tolist() == [1.0, 2.0, 3.0]


# --- all or nothing -----------------------------------------------------------------------------


def model_with(folder: Path, size: int) -> str:
    values = {"w": np.arange(size, dtype=np.float32), "v": np.zeros(3, np.float32)}
    return write_model(folder, values)


@pytest.mark.parametrize("size", [100, 3_000_000])
def test_damaged_weight_leaves_no_file(tmp_path: Path, size: int) -> None:
    meta = model_with(tmp_path / "m", size)
    shard = tmp_path / "m" / "model.ckpt.data-00000-of-00001"
    raw = bytearray(shard.read_bytes())
    raw[len(raw) // 2] ^= 1
    shard.write_bytes(raw)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(tb.ChecksumError, match=r"checksum mismatch in tensor 'w' \(.*data-00000"):
        tb.freeze(meta, outputs=["read_v", "read_w"], path=out / "f.pb")
    assert list(out.iterdir()) == []
    with pytest.raises(tb.ChecksumError, match="tensor 'w'"):
        tb.freeze(meta, outputs="read_w")
    tb.freeze(meta, outputs="read_w", path=out / "f.pb", verify=False)
    tb.freeze(meta, outputs="read_v", path=out / "v.pb")


def test_shard_that_is_cut_off_is_told_before_anything_is_written(tmp_path: Path) -> None:
    meta = model_with(tmp_path, 1000)
    os.truncate(tmp_path / "model.ckpt.data-00000-of-00001", 1000)
    with pytest.raises(tb.FormatError, match=r"the shard is cut off in tensor 'w'.*1000"):
        tb.freeze(meta, outputs="read_w", path=tmp_path / "f.pb")
    assert not (tmp_path / "f.pb").exists()


def test_full_disk_leaves_what_was_there(tmp_path: Path, small_files: None) -> None:
    random = np.random.RandomState(0).bytes(4_000_000)
    halves = {"a": np.frombuffer(random, np.uint8), "b": np.frombuffer(random, np.uint8)}
    meta = write_model(tmp_path / "a", {"a": halves["a"]})
    tb.save(tmp_path / "b" / "model.ckpt", {"b": halves["b"]})
    tb.merge([tmp_path / "a" / "model.ckpt", tmp_path / "b" / "model.ckpt"], tmp_path / "both")
    meta = write_meta(tmp_path / "both.meta", [variable(n, 4, (4_000_000,)) for n in halves])
    target = tmp_path / "out" / "f.pb"
    target.parent.mkdir()
    target.write_bytes(b"before")
    with pytest.raises(OSError, match="cannot write the file"):
        tb.freeze(meta, outputs=["a", "b"], path=target, overwrite=True)
    assert [path.name for path in target.parent.iterdir()] == ["f.pb"]
    assert target.read_bytes() == b"before"


def test_too_little_room_is_known_before_the_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meta = model_with(tmp_path, 100)
    true = os.statvfs(tmp_path)

    class Full:
        f_bavail, f_frsize = 1, 100

    monkeypatch.setattr(os, "statvfs", lambda path: Full())
    with pytest.raises(OSError, match=r"not enough room: \d+ bytes are needed, 100 are free"):
        tb.freeze(meta, outputs="read_w", path=tmp_path / "f.pb")
    assert true.f_bavail > 1
    assert not list(tmp_path.glob("*f.pb*"))


def test_existing_file_is_replaced_or_not(tmp_path: Path) -> None:
    meta = model_with(tmp_path, 5)
    target = tmp_path / "f.pb"
    target.write_bytes(b"before")
    with pytest.raises(FileExistsError, match=r"f\.pb' exists"):
        tb.freeze(meta, outputs="read_w", path=target, overwrite=False)
    assert target.read_bytes() == b"before"
    tb.freeze(meta, outputs="read_w", path=target, overwrite=True)
    assert target.read_bytes() != b"before"


def test_result_never_replaces_what_it_is_made_of(tmp_path: Path) -> None:
    meta = model_with(tmp_path, 5)
    for name in ("model.ckpt.meta", "model.ckpt.index"):
        with pytest.raises(tb.ConversionError, match="would replace what it is made of"):
            tb.freeze(meta, outputs="read_w", path=tmp_path / name, format="pb")


def test_link_is_followed_and_stays(tmp_path: Path) -> None:
    meta = model_with(tmp_path, 5)
    (tmp_path / "link.pb").symlink_to(tmp_path / "real.pb")
    frozen = tb.freeze(meta, outputs="read_w", path=tmp_path / "link.pb")
    assert (tmp_path / "link.pb").is_symlink()
    assert frozen.path == str(tmp_path / "real.pb")
    assert tb.load_graph(tmp_path / "real.pb").num_nodes == 2


# --- what is around weights ---------------------------------------------------------------------


def test_large_constants_of_the_graph_itself_count_for_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tensorbundle._freeze import stream

    monkeypatch.setattr(stream, "MAX_BYTES", 1000)
    nodes = [const_node("big", np.zeros(200, np.float64)), identity("out", "big", 2)]
    (tmp_path / "g.pb").write_bytes(graph_def(nodes))
    with pytest.raises(tb.ConversionError, match=r"'big' 16\d\d bytes.*export_saved_model"):
        tb.freeze(tmp_path / "g.pb", outputs="out", path=tmp_path / "f.pb")


def test_text_by_suffix_and_by_choice(tmp_path: Path) -> None:
    pytest.importorskip("google.protobuf")
    meta = model_with(tmp_path, 2)
    binary = tb.freeze(meta, outputs="read_w", path=tmp_path / "f.pb")
    text = tb.freeze(meta, outputs="read_w", path=tmp_path / "f.pbtxt")
    assert "tensor_content" in (tmp_path / "f.pbtxt").read_text()
    assert text.nbytes == os.path.getsize(tmp_path / "f.pbtxt") > binary.nbytes
    assert tb.freeze(meta, outputs="read_w", text=True).data == (tmp_path / "f.pbtxt").read_bytes()
    again = tb.freeze(tmp_path / "f.pbtxt", outputs="read_w")
    assert again.data == tb.freeze(tmp_path / "f.pb", outputs="read_w").data


def test_unknown_fields_of_nodes_and_versions_are_kept(tmp_path: Path) -> None:
    from tensorbundle._format.wire import bytes_field

    node = operation("Identity", "out", "x")
    strange = node.encode() + bytes_field(77, b"later")
    place = make_node("x", "Placeholder", (), {"dtype": type_attr(1), "shape": shape_attr(())})
    listed = string_list_attr([b"loc:@x", b"loc:@gone"])
    place = place.replace(attrs={**place.attrs, "_class": listed})
    raw = bytes_field(1, place.encode()) + bytes_field(1, strange) + bytes_field(4, b"\x08\x18z\0")
    (tmp_path / "g.pb").write_bytes(raw)
    frozen = tb.freeze(tmp_path / "g.pb", outputs="out")
    assert frozen.data is not None
    assert b"later" in frozen.data
    assert frozen.data.endswith(b"\x22\x04\x08\x18z\0")
    assert b"gone" not in frozen.data
