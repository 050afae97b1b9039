"""Locating: which file is meant by a path, what lies beside it, what a broken file is.

Nothing here reads a tensor or a node.

    checkpoints   from any spelling of a path to the `Location` of the checkpoint that it means
    conversions   conversions that transfers make of a data shard: what changed its length
    damage        damaged and mistaken files
    graphs        from any spelling of a path to the file of the graph that it means
    kinds         kinds of graph files: which message one holds, and what it is else
    listing       listings of a directory: its checkpoints, their step, time and size
    location      the bundle, the table, or the set of tables of exactly one prefix
    misnamed      checkpoints of one format under the names of the other
    neighbours    neighbours of a path without a checkpoint: the second half of a helpful error
    states        state files (``checkpoint``) as they lie about
    tensor_files  files of tensors that other programs write: which of them a path means
"""
