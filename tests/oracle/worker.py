"""The process of real TensorFlow: calls functions of the tests' own modules, as `client.py` asks.

Orders and answers are pickles, one after the other, on stdin and stdout, so that arrays pass as
they are. An order is ``(module, function, arguments, options)``, an answer ``(result, error)``.
TensorFlow itself is imported by the modules that need it.
"""

import functools
import importlib
import os
import pickle
import sys
import traceback


def main() -> None:
    orders, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what TensorFlow prints is no answer
    while True:
        try:
            module, function, arguments, options = pickle.load(orders)
        except EOFError:
            os._exit(0)  # sessions that timed out still hold threads
        try:
            call = functools.reduce(getattr, function.split("."), importlib.import_module(module))
            answer = pickle.dumps((call(*arguments, **options), None))
        except Exception as error:
            told = (f"{type(error).__name__}: {error}", traceback.format_exc())
            answer = pickle.dumps((None, told))
        answers.write(answer)
        answers.flush()


if __name__ == "__main__":
    main()
