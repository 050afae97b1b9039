"""Stages of freezing that change the graph, each from nodes to nodes.

Nothing here reads a weight.

    assets  files that a SavedModel brings along: who reads them, vocabularies as tensors
    body    bodies of functions, made ready to be put in place of calls
    idle    control edges that wait for nothing
    inline  function calls inlined: the nodes of the body in place of the call
    needed  needed nodes and nothing else; then the last check of edges and types
    tables  lookup tables kept working: who fills them, and from what
"""
