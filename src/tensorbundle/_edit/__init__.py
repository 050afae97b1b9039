"""Editing: checkpoints made of checkpoints, and what differs between two."""
