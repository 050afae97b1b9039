"""Stand-in for TensorFlow: programs that read its checkpoints run without it, as they are.

    from tensorbundle import shim
    shim.install()
    import tensorflow as tf                 # tf.train, tf.io.gfile, tf.errors, tf.logging, …
    tf.train.load_variable("model.ckpt", "dense/kernel")

Or from outside: ``tensorbundle run-script convert.py``, ``python -m tensorbundle.shim convert.py``.
What it has are the readers and what stands beside them in programs, under the names of TensorFlow 1
and 2, and sessions as far as graphs are imported. Anything else asked of it is an error that names
it. It never stands in for a TensorFlow that is imported, nor, unless told so, for one that is
installed; no package of that name is installed.
"""

from .check import Use, check_script
from .install import active, install, uninstall
from .missing import MissingModuleError, MissingPartError, NeedsTensorFlowError
from .script import run_script

__all__ = [
    "MissingModuleError",
    "MissingPartError",
    "NeedsTensorFlowError",
    "Use",
    "active",
    "check_script",
    "install",
    "run_script",
    "uninstall",
]
