"""Readers that are written in Python, fuzzed as those of the core are: typed errors or results.

    python -m tests.fuzz.readers TARGET [options of libFuzzer] [folders of inputs]
    python -m tests.fuzz.readers seeds FOLDER       # writes a folder of first inputs a target

The first needs atheris, which brings libFuzzer along; `test_readers.py` runs the targets without.
"""

import contextlib
import io
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

import tensorbundle as tb
from tensorbundle._format.foreign import npy, safetensors
from tensorbundle._format.state import encode_state, parse_edited_state, parse_state
from tensorbundle._format.v1_messages import decode_header, decode_record, decode_values
from tensorbundle._graph.riegeli import read_records
from tensorbundle._objects.message import decode_nodes, encode_nodes
from tests.golden.cases import DATA
from tests.golden.table_file import MAGIC, read_table

_SOME_TYPES = (1, 2, 3, 4, 7, 8, 9, 10, 14, 19)
_COUNTS = (0, 1, 6, 1 << 20)


def v1_messages(data: bytes) -> None:
    """The messages that a V1 file holds: the header, and the values of a tensor."""
    with contextlib.suppress(tb.TensorBundleError):
        decode_header(data, 0)
    record = decode_record(data, 0)
    for data_type in _SOME_TYPES:
        for count in _COUNTS:
            with contextlib.suppress(tb.TensorBundleError):
                assert decode_values(record, data_type, count).size == count


def state_file(data: bytes) -> None:
    """State files, as TensorFlow writes them and as hands do."""
    with contextlib.suppress(tb.TensorBundleError):
        state = parse_state(data)
        assert parse_state(encode_state(state)) == state
    parse_edited_state(data)


def object_graph(data: bytes) -> None:
    """The object graph of a TensorFlow 2 checkpoint."""
    nodes = decode_nodes(data)
    assert len(decode_nodes(encode_nodes(nodes))) == len(nodes)


def safetensors_header(data: bytes) -> None:
    """The header of a .safetensors file, and the index of several."""
    with contextlib.suppress(tb.TensorBundleError):
        safetensors.parse_index(data)
    safetensors.parse_header(data, len(data))


def npy_header(data: bytes) -> None:
    """The header of an .npy file."""
    npy.read_header(io.BytesIO(data).read)


def riegeli(data: bytes) -> None:
    """The records of a chunked SavedModel."""
    read_records(data)


def whole_file(suffix: str) -> Callable[[bytes], None]:
    """A file of another format, opened and read to its end."""

    def read(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"m{suffix}"
            path.write_bytes(data)
            ckpt = tb.open(path)
            ckpt.verify()
            ckpt.load()

    return read


TARGETS: dict[str, Callable[[bytes], None]] = {
    "v1_messages": v1_messages,
    "state_file": state_file,
    "object_graph": object_graph,
    "safetensors_header": safetensors_header,
    "npy_header": npy_header,
    "riegeli": riegeli,
    "npz": whole_file(".npz"),
    "npy": whole_file(".npy"),
    "safetensors": whole_file(".safetensors"),
    "v1": whole_file(""),
}


def run(target: str, data: bytes) -> None:
    """Read an input; whatever is raised is no error of this library."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(tb.TensorBundleError):
            TARGETS[target](data)


def seeds() -> dict[str, list[bytes]]:
    """Small sound inputs of each target."""
    arrays = {"a/b": np.arange(6.0).reshape(2, 3), "c": np.ones(3, np.float16), "d": np.int8(4)}
    found: dict[str, list[bytes]] = {name: [] for name in TARGETS}
    with tempfile.TemporaryDirectory() as folder:
        ckpt = tb.open(tb.save(f"{folder}/m", arrays))
        for suffix in ("npz", "safetensors"):
            tb.export(ckpt, f"{folder}/m.{suffix}")
            found[suffix].append(Path(f"{folder}/m.{suffix}").read_bytes())
    text = found["safetensors"][0]
    found["safetensors_header"].append(text[8 : 8 + int.from_bytes(text[:8], "little")])
    buffer = io.BytesIO()
    np.save(buffer, arrays["a/b"])
    found["npy"].append(buffer.getvalue())
    found["npy_header"].append(buffer.getvalue()[:128])
    found["state_file"] += [path.read_bytes() for path in sorted(DATA.rglob("checkpoint"))][:5]
    for path in sorted(DATA.rglob("*")):
        if path.is_file() and path.read_bytes()[-8:] == MAGIC and path.stat().st_size < 20_000:
            with contextlib.suppress(tb.TensorBundleError, OSError):
                if tb.open(path).location.kind == "v1":
                    found["v1"].append(path.read_bytes())
    for table in found["v1"]:
        found["v1_messages"] += [value for _, value in read_table(table)][:4]
    for index in sorted(DATA.rglob("*.index")):
        with contextlib.suppress(tb.TensorBundleError):
            message = tb.open(index).get("_CHECKPOINTABLE_OBJECT_GRAPH")
            found["object_graph"] += [] if message is None else [message.item()]
    found["riegeli"] += [path.read_bytes() for path in sorted(DATA.rglob("*.cpb"))][:2]
    return found


def main() -> None:
    """Write seeds, or fuzz one target."""
    if sys.argv[1] == "seeds":
        for name, inputs in seeds().items():
            folder = Path(sys.argv[2]) / name
            folder.mkdir(parents=True, exist_ok=True)
            for number, data in enumerate(inputs):
                (folder / f"seed{number}").write_bytes(data)
        return
    import atheris

    target = sys.argv.pop(1)
    for module in [each for each in sys.modules if each.startswith("tensorbundle.")]:
        for value in list(vars(sys.modules[module]).values()):
            if getattr(value, "__module__", None) == module and hasattr(value, "__code__"):
                atheris.instrument_func(value)
    atheris.Setup(sys.argv, lambda data: run(target, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
