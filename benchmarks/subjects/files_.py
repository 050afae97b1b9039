"""The limits of writing: plain copies of files, and a plain read of all with one write."""

import os
import shutil

import numpy as np

import tensorbundle as tb

_PIECE = 1 << 20


def copy(data):
    target = data.scratch / "copied"

    def run():
        for path in data.files("files_"):
            shutil.copyfile(path, str(target) + path.removeprefix(data.prefix))
        return target

    return run


def copy_synced(data):
    write = copy(data)

    def run():
        target = write()
        for path in (*data.scratch.iterdir(), data.scratch):
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
        return target

    return run


def copied(prefix):
    return tb.open(prefix).load()


def before_rename(prefix):
    return tb.open(prefix).load()


def before_strip(prefix):
    return {n: array for n, array in before_rename(prefix).items() if n.endswith("/kernel")}


def read_write_merge(data):
    """All inputs are as large as the output together."""
    return _read_write(data, data.parts)


def read_write_average(data):
    """Each input is as large as the output."""
    return _read_write(data, data.parts[-1:])


def _read_write(data, written):
    target = data.scratch / "written"
    buffer = memoryview(bytearray(_PIECE))

    def run():
        with open(target, "wb", buffering=0) as output:
            for part in data.parts:
                for path in part.files("files_"):
                    with open(path, "rb", buffering=0) as file:
                        while count := file.readinto(buffer):
                            if part in written:
                                output.write(buffer[:count])
            os.fsync(output.fileno())
        return data

    return run


def average(data):
    """What the average has to be."""
    parts = [tb.open(part.prefix) for part in data.parts]
    return {
        name: np.mean([part[name] for part in parts], 0, np.float64).astype(np.float32)
        for name in parts[0]
    }


def merge(data):
    """What the merged checkpoint has to hold."""
    return {name: array for part in data.parts for name, array in tb.open(part.prefix).items()}
