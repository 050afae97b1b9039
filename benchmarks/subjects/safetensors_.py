import os
import sys

from safetensors import safe_open
from safetensors.numpy import load_file, save_file


def read_one(path, name):
    with safe_open(path, framework="np") as file:
        return file.get_tensor(name)


def load(data):
    return lambda: load_file(data.safetensors)


def one(data):
    return lambda: read_one(data.safetensors, data.one_name)


def save(data):
    tensors = load_file(data.safetensors)
    path = data.scratch / "saved.safetensors"

    def run():
        save_file(tensors, path)
        return path

    return run


def save_synced(data):
    write = save(data)

    def run():
        for path in (write(), data.scratch):
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
        return data.scratch / "saved.safetensors"

    return run


def read_back(path):
    return load_file(path)


if __name__ == "__main__" and len(sys.argv) == 3:
    read_one(*sys.argv[1:])
