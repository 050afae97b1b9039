"""What is wrong with files, and what can be saved of them.

May not know: the command line.

- `salvage`: from a damaged checkpoint a good one; its parts are in `mending`.
- `fingerprint`: the checksum that a SavedModel keeps of its graph.
- `verify`: everything at a path checked, graphs included.
- `diagnose`: what is wrong with whatever does not open, and the command that mends it.
"""
