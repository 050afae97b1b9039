"""Series of checkpoints: which one to resume from, which ones may go.

`newest` puts the checkpoints of a directory in the order in which they were saved and finds the
newest whole one; `pruning` removes the oldest, with the same knowledge. What a state file is and
how one checkpoint is removed, `train.directory` says.
"""
