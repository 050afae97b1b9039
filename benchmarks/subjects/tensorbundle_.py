import sys

import tensorbundle as tb


def load(data):
    return lambda: tb.open(data.prefix).load()


def load_into(data):
    out = {name: array + 0 for name, array in tb.open(data.prefix).views().items()}
    return lambda: tb.open(data.prefix).load(out=out)


def views(data):
    return lambda: tb.open(data.prefix).views()


def views_unchecked(data):
    return lambda: tb.open(data.prefix, verify="never").views()


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


if __name__ == "__main__" and len(sys.argv) == 3:
    tb.open(sys.argv[1])[sys.argv[2]]
