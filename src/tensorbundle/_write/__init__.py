"""Writing: tensors into a bundle, and files that appear whole or not at all.

Nothing here knows why something is written: saves, edits and exports do.

    casting   casting: values in another dtype, rounded once, and never lost in silence
    commit    a checkpoint appears whole, or not at all
    durable   files that appear whole and stay
    journal   journal of exports: what killed ones leave, and how it is undone or finished
    names     names taken in a checkpoint in the making: none twice, and parts that agree
    save      save a mapping of tensors as a V2 checkpoint
    shards    shards being written: made of other bundles' or of new bytes, the index last
    staging   files that appear together and whole, or not at all
    syscalls  calls of the system that Python has no name for
    values    values given to be saved, as what is stored: a DataType and the bytes of an array
    writer    writing V2 checkpoints: `save` for a mapping, `Writer` for one tensor at a time
    jobs/     jobs of several workers: the parts that each writes, and what becomes of them
"""
