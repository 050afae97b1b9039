"""Outputs and inputs of graphs whose programs are gone (freeze.md §4)."""
