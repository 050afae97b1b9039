"""Formats: the small facts of files, below everything that reads or writes them.

What a dtype, a name, a shape, a slice, a state file or a message of the wire is. No room here opens
a file.
"""
