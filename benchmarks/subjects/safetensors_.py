import sys

from safetensors import safe_open
from safetensors.numpy import load_file


def read_one(path, name):
    with safe_open(path, framework="np") as file:
        return file.get_tensor(name)


def load(data):
    return lambda: load_file(data.safetensors)


def one(data):
    return lambda: read_one(data.safetensors, data.one_name)


if __name__ == "__main__" and len(sys.argv) == 3:
    read_one(*sys.argv[1:])
