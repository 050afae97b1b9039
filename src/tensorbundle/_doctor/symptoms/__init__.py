"""Symptoms: what is wrong with the files of a checkpoint, and what mends each.

archives   archives beside a checkpoint, or in its place: what is in them, what unpacks them
around     files around a checkpoint: where one that is missing may be
exchanged  exchanged files: shards, or index and shard, each under the other's name
mistaken   mistaken files: pointers, links and pages in place of a file, and what gets it
models     models: files of a SavedModel that are pointers, or lie a folder too high
shards     shards that are not what the index says, and where the right bytes are
states     state files that name what is not there, or that are none
symptom    symptom: one thing that is wrong, how that is known, what mends it
unfinished unfinished saves: parts that were never merged
unopened   checkpoints that do not open: what is missing, damaged or something else
"""
