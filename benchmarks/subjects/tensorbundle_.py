import random
import sys

import tensorbundle as tb

# Imports are not counted, and ours come when a name is first used.
for _name in tb.__all__:
    getattr(tb, _name)


def load(data):
    return lambda: tb.open(data.prefix).load()


def load_into(data):
    out = {name: array + 0 for name, array in tb.open(data.prefix).views().items()}
    return lambda: tb.open(data.prefix).load(out=out)


def views(data):
    return lambda: tb.open(data.prefix).views()


def views_unchecked(data):
    return lambda: tb.open(data.prefix, verify="never").views()


def items(data):
    def run():
        found = {}
        for name, array in tb.open(data.prefix).items():
            found[name] = array
        return found

    return run


def as_dict(data):
    return lambda: dict(tb.open(data.prefix))


def read_names(ckpt, names):
    return {name: ckpt[name] for name in names}


def own_names(data):
    names = list(tb.open(data.prefix))
    return lambda: read_names(tb.open(data.prefix), names)


def shuffled_names(data):
    names = shuffled(tb.open(data.prefix))
    return lambda: read_names(tb.open(data.prefix), names)


def names_again(data):
    ckpt = tb.open(data.prefix)
    names = shuffled(ckpt)
    read_names(ckpt, names)
    return lambda: read_names(ckpt, names)


def shuffled(names):
    names = sorted(names)
    random.Random(1).shuffle(names)
    return names


def missing(data):
    ckpt = tb.open(data.prefix)
    names = [name + "x" for name in shuffled(ckpt)]
    return lambda: [name in ckpt for name in names]


def missing_get(data):
    ckpt = tb.open(data.prefix)
    names = [name + "x" for name in shuffled(ckpt)]
    return lambda: [ckpt.get(name, False) for name in names]


def load_variables(data):
    names = shuffled(tb.open(data.prefix))[:100]
    return lambda: {name: tb.train.load_variable(data.prefix, name) for name in names}


def one(data):
    return lambda: tb.open(data.prefix)[data.one_name]


def names(data):
    return lambda: list(tb.open(data.prefix))


def infos(data):
    return lambda: tb.open(data.prefix).infos()


def facts_of(infos):
    return {info.name: (info.tf_dtype, list(info.shape)) for info in infos}


def verify(data):
    def run():
        report = tb.open(data.prefix).verify()
        assert report.ok, report.faults
        return report.nbytes

    return run


def crc32c(data):
    from tensorbundle import _core

    memory = data.memory
    return lambda: _core.crc32c(memory)


def save(data, fsync=False):
    tensors = tb.open(data.prefix).load()
    return lambda: tb.save(data.scratch / "saved", tensors, fsync=fsync, overwrite=True)


def save_synced(data):
    return save(data, fsync=True)


def read_back(prefix):
    return tb.open(prefix).load()


def rename(data):
    rules = [(r"^layer_(\d+)/", r"decoder/block_\1/")]
    target = data.scratch / "renamed"

    def run():
        tb.rewrite(data.prefix, target, rename=rules)
        return target

    return run


def rename_undone(prefix):
    return {n.replace("decoder/block_", "layer_"): array for n, array in read_back(prefix).items()}


def strip(data):
    target = data.scratch / "stripped"

    def run():
        tb.rewrite(data.prefix, target, strip_optimizer=True)
        return target

    return run


strip_undone = read_back


def average(data):
    target = data.scratch / "average"

    def run():
        tb.average([part.prefix for part in data.parts], target)
        return target

    return run


def merge(data):
    target = data.scratch / "merged"

    def run():
        tb.merge([part.prefix for part in data.parts], target)
        return target

    return run


def export_safetensors(data):
    return _export(data, ".safetensors")


def export_npz(data):
    return _export(data, ".npz")


def _export(data, suffix):
    target = data.scratch / f"exported{suffix}"

    def run():
        tb.export(data.prefix, target, overwrite=True)
        return target

    return run


def exported(path):
    return tb.open(path).load()


if __name__ == "__main__" and len(sys.argv) == 3:
    tb.open(sys.argv[1])[sys.argv[2]]
