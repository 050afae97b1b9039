"""Editing: checkpoints made of checkpoints, and what differs between two.

Nothing here knows a graph, only that a SavedModel has one.

    average     checkpoints averaged, some megabytes at a time
    copying     tensors of a checkpoint written anew into a shard: as they are, or cast
    diff        two checkpoints compared: names, dtypes, shapes, values; renames found
    distance    distance of two tensors, value by value and piece by piece
    inputs      inputs of a merge: tensors and parts, their bytes, and the shards they lie in
    merge       several bundles made one, as TensorFlow's ``MergeV2Checkpoints`` does
    plan        plans of rewrites: what becomes of each tensor, from the index alone
    relocate    state files repaired whose checkpoints have moved with their directory
    rewrite     rewriting a checkpoint: renamed, stripped, cast
    rules       rules of a rewrite: what is asked for, read against the names that are there
    sources     checkpoints that are meant, each once, however it is spelled
    shared/     work that several workers can share: means, and what each writes or compares
"""
