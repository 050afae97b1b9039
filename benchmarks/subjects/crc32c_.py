from crc32c import crc32c as checksum


def crc32c(data):
    memory = data.memory
    return lambda: checksum(memory)
