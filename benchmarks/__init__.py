"""Measures tensorbundle against its rivals; see README.md."""
