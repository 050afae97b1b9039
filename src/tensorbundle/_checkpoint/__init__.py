"""Checkpoints opened: the mapping that users hold, for each kind of file that holds variables."""
