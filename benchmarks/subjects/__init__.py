"""One file per library.

Each function takes a `Dataset`, prepares what is not measured, and returns the call that is. Run as
a program, a file is the smallest one that reads a tensor with its library: `FILE CHECKPOINT NAME`.
"""
