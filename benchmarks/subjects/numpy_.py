"""The limits: a plain read of mapped bytes; as a program, `import numpy` and nothing else."""

import numpy as np


def read_mapped(data):
    def run():
        words = np.memmap(data.shard, np.uint64, "r")
        np.add.reduce(words)
        return words.nbytes

    return run


def read_mapping_kept(data):
    words = np.memmap(data.shard, np.uint64, "r")

    def run():
        np.add.reduce(words)
        return words.nbytes

    return run
