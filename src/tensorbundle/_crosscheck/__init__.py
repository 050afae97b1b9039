"""Crosscheck: every tensor against what TensorFlow itself restores, in a process of its own."""
