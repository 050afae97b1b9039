from crc32c import crc32c as checksum


def crc32c(data):
    return lambda: checksum(data.memory)
