"""Freezing: variables become constants, and what the outputs do not need goes."""
