"""Graphs opened: files of graphs, their variables, and which key of a checkpoint each one has."""
