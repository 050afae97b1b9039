"""Names that real TensorFlow has, asked in its own process."""

import importlib
import json


def known(modules: list[str]) -> str:
    """The names in each of these modules, if it has that; as JSON."""
    import tensorflow  # noqa: F401  # the lazy parts of it hang on this import

    found = {}
    for name in modules:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        found[name] = sorted({*dir(module), *vars(module)})
    return json.dumps(found)
