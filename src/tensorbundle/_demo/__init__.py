"""Demo checkpoints that come with the package, for trying things and for the examples.

TensorFlow wrote them. It knows no other room, and reads nothing.

    demo  files of a checkpoint or model, written where one wants them
"""
