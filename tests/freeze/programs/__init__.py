"""Programs of real TensorFlow that write graphs, and what is expected of freezing each.

`matrix` lists the cases and needs no TensorFlow; the `*_programs` build them; `worker` is the
process in which TensorFlow builds, runs and freezes.
"""
