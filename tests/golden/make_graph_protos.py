"""Writes `graph_protos.bin` of the package: the message types that graphs are told with as text.

Run with any Python that has TensorFlow:

    python -m tests.golden.make_graph_protos src/tensorbundle/_graphdef/graph_protos.bin

A serialized FileDescriptorSet, which the package loads into a pool of its own. Of TensorFlow's
descriptors it keeps what text needs: names, numbers and types. Two things are changed, neither of
which shows in text or on the wire:

- strings are bytes, because old graphs hold strings that are not UTF-8, and protobuf refuses them;
- maps are what they are on the wire, repeated entries, so that their order stays and such strings
  can be keys.

`Any` stays as it is: protobuf's parser of text knows it by name.
"""

import sys
from pathlib import Path


def main() -> None:
    Path(sys.argv[1]).write_bytes(dump())


def dump() -> bytes:
    from google.protobuf import descriptor_pb2
    from tensorflow.core.protobuf import saved_model_pb2

    files: dict[str, descriptor_pb2.FileDescriptorProto] = {}

    def add(file) -> None:
        if file.name in files:
            return
        for dependency in file.dependencies:
            add(dependency)
        copy = descriptor_pb2.FileDescriptorProto()
        file.CopyToProto(copy)
        files[file.name] = copy

    add(saved_model_pb2.DESCRIPTOR)
    for file in files.values():
        strip(file, keep_strings=file.name == "google/protobuf/any.proto")
    return descriptor_pb2.FileDescriptorSet(file=files.values()).SerializeToString()


def strip(file, *, keep_strings: bool) -> None:
    for field in ("options", "source_code_info", "service", "public_dependency"):
        file.ClearField(field)
    pending = list(file.message_type)
    while pending:
        message = pending.pop()
        pending += message.nested_type
        for enum in message.enum_type:
            strip_enum(enum)
        for part in ("options", "reserved_range", "reserved_name", "extension_range"):
            message.ClearField(part)
        for field in message.field:
            field.ClearField("options")
            field.ClearField("json_name")
            if field.type == field.TYPE_STRING and not keep_strings:
                field.type = field.TYPE_BYTES
    for enum in file.enum_type:
        strip_enum(enum)


def strip_enum(enum) -> None:
    for part in ("reserved_range", "reserved_name"):
        enum.ClearField(part)
    if not enum.options.allow_alias:
        enum.ClearField("options")
    for value in enum.value:
        value.ClearField("options")


if __name__ == "__main__":
    main()
