"""Checkpoints opened: the mapping that users hold, for each kind of file.

Nothing here writes, and nothing but `frozen` knows graphs.

    audit       verification of a V2 bundle: every block, entry, range and slice
    bundle      V2 checkpoints: an index and its data shards
    checkpoint  the face of every format, a mapping from names to arrays
    frozen      frozen graphs read as checkpoints: their constants by name
    opening     opening a checkpoint of either format, or the constants of a frozen graph
    report      reports of verification: what was found, and what probably happened
    selection   selection of tensors by name
    shards      data shards of a V2 bundle, opened when they are first needed
    v1          V1 checkpoints: tables that hold the tensors themselves
    v1_audit    verification of a V1 checkpoint: every block and record, and how slices fit together
    v1_headers  headers of all files of a V1 checkpoint, put together
    far/        checkpoints that lie far away, read by ranges
    foreign/    tensors in the files of other programs, read as checkpoints
"""
