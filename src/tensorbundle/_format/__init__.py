"""Formats: the small facts of files, below everything that reads or writes them.

No room here opens a file.

    boxes        partitioned tensors put together from their slices, and parts of tensors read alone
    containers   files that hold others: Magenta's bundles
    dtypes       TensorFlow's DataType numbers and the numpy dtypes that hold them
    filenames    names of the files that make up one checkpoint (format.md §1.1, §8.1)
    names        names of tensors, nodes and files
    parts        parts of tensors, as a user says them and as TensorFlow's spec strings do
    state        state file `checkpoint`: which checkpoint of a directory is the newest
    tensor_info  facts of a tensor that are known without reading it
    v1_messages  messages of a V1 file (format.md §8.2)
    wire         wire format of protobuf messages, walked field by field and written
    wording      wording of messages: in Python's words, in those of the command
    foreign/     formats of other programs, as bytes: headers of `.npy` and of `.safetensors`
"""
