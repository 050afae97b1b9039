"""Crosscheck: every tensor against what TensorFlow itself restores.

Only `worker`, a process of its own, may hold TensorFlow.

    bitwise     two readings of one tensor, compared bit for bit while the second arrives in pieces
    crosscheck  every tensor against TensorFlow's own restore, bit for bit
    oracle      process of TensorFlow, seen from ours: start, ask, notice its death, start again
    worker      TensorFlow's side of a crosscheck
"""
