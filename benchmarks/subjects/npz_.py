import sys

import numpy as np


def read_one(path, name):
    with np.load(path) as file:
        return file[name]


def read_all(path):
    with np.load(path) as file:
        return dict(file.items())


def load(data):
    return lambda: read_all(data.npz)


def one(data):
    return lambda: read_one(data.npz, data.one_name)


if __name__ == "__main__" and len(sys.argv) == 3:
    read_one(*sys.argv[1:])
