"""Running graphs without TensorFlow, on OpenVINO (freeze.md §8).

Only `engine` knows OpenVINO.

    engine  OpenVINO: graphs read, compiled and run by it, and its errors put in our words
    feeds   what a user gives, as the arrays that a graph takes
    runner  run graphs without TensorFlow, on OpenVINO (freeze.md §8): restore and predict
"""
