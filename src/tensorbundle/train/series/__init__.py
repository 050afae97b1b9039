"""Series of checkpoints: which one to resume from, which ones may go.

May not know: what is in a checkpoint, but whether it is whole.

    newest   the newest checkpoint of a directory, by its state file or by what is whole
    pruning  pruning of directories: the newest whole checkpoints stay
"""
