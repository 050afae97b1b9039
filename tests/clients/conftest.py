"""Clients have libraries of their own, which `make test-clients` installs."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") and find_spec("jax") else ["test_*.py"]
