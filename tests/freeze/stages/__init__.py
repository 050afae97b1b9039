"""Programs of real TensorFlow for the stages of freezing, each with its own tests.

Unlike those of `graphs/`, which are frozen end to end, these are taken through the stages by hand,
by `running`, with the values of variables read from a session. `worker` is the process in which
TensorFlow builds and runs; the `*_programs` are the programs, one group for each test file.
"""
