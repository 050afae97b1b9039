"""Stages of freezing that change the graph, each from nodes to nodes."""
