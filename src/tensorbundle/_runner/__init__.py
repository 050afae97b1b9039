"""Running graphs without TensorFlow, on OpenVINO (freeze.md §8).

Only `engine` knows OpenVINO.

    divisions  integer divisions by zero: TensorFlow refuses them
    engine     OpenVINO: graphs read, compiled and run by it, and its errors put in our words
    feeds      what a user gives, as the arrays that a graph takes
    keys       keys of signatures: which signature what is fetched is of
    plan       a graph cut to what is fetched and fed, and made ready to run
    runner     run graphs without TensorFlow, on OpenVINO (freeze.md §8): restore and predict
"""
