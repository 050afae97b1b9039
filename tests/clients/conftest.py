"""Clients have libraries of their own, which `make test-clients` installs."""

import importlib
import os
from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") and find_spec("jax") else ["test_*.py"]


def import_libraries() -> None:
    """Import what sets variables of the environment when it is first used: no test is to do that.

    Transformers 4 takes TensorFlow into the process where that is installed, if not told otherwise.
    """
    os.environ["USE_TF"] = "0"
    for name in ("jax", "transformers.modeling_utils"):
        importlib.import_module(name)
    del os.environ["USE_TF"]


if not collect_ignore_glob:
    import_libraries()
