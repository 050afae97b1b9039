"""Smoke test of an installed package: numpy is all that it needs, and nothing of the checkout.

``python tests/packaging/smoke.py`` runs with any Python that has the package. It writes and reads
checkpoints, changes, checks and exports them, from many threads at once, and tells what it ran on.
"""

import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

import tensorbundle as tb


def arrays() -> dict[str, Any]:
    """Of each kind of dtype one, and enough of them for a table of several blocks."""
    random = np.random.default_rng(0)
    named: dict[str, Any] = {
        f"layer_{number}/{'kernel' if number % 2 else 'bias'}": random.random(
            number % 70, np.float32
        )
        for number in range(3000)
    }
    dtypes = ["int8", "uint16", "int64", "float16", "float64", "complex64", "complex128", "bool"]
    for dtype in [*dtypes, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.int4]:
        named[f"of/{np.dtype(dtype).name}"] = random.integers(0, 2, (3, 4)).astype(dtype)
    named["strings"] = np.array([b"", b"a\0b", "größe".encode()], object)
    named["large"] = random.random((1000, 1000))
    named["scalar"] = np.float32(1.5)
    return named


def equal(one: Any, other: Any) -> bool:
    """Whether dtype, shape and every bit are the same."""
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return (
        one.tolist() == other.tolist() if one.dtype == object else one.tobytes() == other.tobytes()
    )


def check(folder: Path) -> None:
    """Everything that needs no other package."""
    given = arrays()
    prefix = tb.save(folder / "deep" / "model.ckpt-1", given)
    ckpt = tb.open(prefix)
    assert sorted(ckpt) == sorted(given)
    assert all(equal(ckpt[name], array) for name, array in given.items())
    loaded = ckpt.load()
    assert all(equal(loaded[name], array) for name, array in given.items())
    assert ckpt.verify().ok
    assert equal(ckpt.read_slice("large", np.s_[3:5, ::7]), given["large"][3:5, ::7])

    tb.rewrite(prefix, folder / "b", rename={"large": "small"}, cast={"large": "float32"})
    assert equal(tb.open(folder / "b")["small"], given["large"].astype(np.float32))
    assert tb.diff(prefix, folder / "b", exclude=["large", "small"]).same
    tb.average([prefix, prefix_of_another(folder, given)], folder / "c")
    assert equal(tb.open(folder / "c")["scalar"], np.float32(2))
    done = tb.export(prefix, folder / "w.npz", names=["layer_*", "large"])
    with np.load(folder / "w.npz") as read:
        assert len(read) == done.written == 3001
        assert equal(read["large"], given["large"])
    tb.export(prefix, folder / "w.safetensors", names="layer_*")
    assert equal(tb.open(folder / "w.safetensors")["layer_7/kernel"], given["layer_7/kernel"])

    data = Path(f"{prefix}.data-00000-of-00001")
    content = bytearray(data.read_bytes())
    content[ckpt.info("large").offset or 0] ^= 1
    del ckpt
    data.write_bytes(content)
    assert [fault.name for fault in tb.verify(prefix).faults] == ["large"]
    try:
        tb.open(prefix)["large"]
    except tb.ChecksumError:
        pass
    else:
        raise AssertionError("a damaged tensor was read")


def prefix_of_another(folder: Path, given: dict[str, Any]) -> str:
    """A checkpoint of the same tensors with another value in one."""
    return tb.save(folder / "another", given | {"scalar": np.float32(2.5)})


def check_threads(folder: Path) -> None:
    """Many threads read one checkpoint at once, and each writes one of its own."""
    given = arrays()
    ckpt = tb.open(tb.save(folder / "shared", given))
    wrong: list[str] = []
    ready = threading.Barrier(8)

    def work(number: int) -> None:
        ready.wait()
        for name, array in given.items():
            if not equal(ckpt[name], array):
                wrong.append(name)
        own = tb.open(tb.save(folder / f"own-{number}", given))
        wrong.extend(name for name, array in own.load().items() if not equal(array, given[name]))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert wrong == []


def main() -> None:
    """Run everything in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        check(Path(folder))
        check_threads(Path(folder))
    has_lock = getattr(sys, "_is_gil_enabled", lambda: True)()
    if "free-threading" in sys.version:
        assert not has_lock, "importing the package turned the lock on"
    loaded = {name.partition(".")[0] for name in sys.modules}
    assert not loaded & {"click", "rich", "tensorflow", "safetensors", "h5py"}
    print(
        f"tensorbundle {tb.__version__} is sound on Python {sys.version.split()[0]}"
        f"{'' if has_lock else ' without the GIL'}, numpy {np.__version__}, {tb.__file__}"
    )


if __name__ == "__main__":
    main()
