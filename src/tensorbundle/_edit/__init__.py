"""Editing: checkpoints made of checkpoints, and what differs between two.

Nothing here knows a graph, only that a SavedModel has one.

    average   checkpoints averaged, some megabytes at a time
    diff      two checkpoints compared: names, dtypes, shapes, values; renames are found by content
    merge     several bundles made one, as TensorFlow's ``MergeV2Checkpoints`` does
    plan      plans of rewrites: what becomes of each tensor, from the index alone
    relocate  state files repaired whose checkpoints have moved with their directory
    rewrite   rewriting a checkpoint: renamed, stripped, cast
    rules     rules of a rewrite: what is asked for, read against the names that are there
"""
