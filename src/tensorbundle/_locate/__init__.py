"""Locating: which file is meant by a path, what lies beside it, and what a broken file is."""
