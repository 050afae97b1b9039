"""Stages of freezing that change the graph, each from nodes to nodes.

Nothing here reads a weight.

    assets      files that a SavedModel brings along: who reads them, vocabularies as tensors
    body        bodies of functions, made ready to be put in place of calls
    dropout     dropout left out: what drops elements at random passes on
    functions   functions that stay, as graphs of their own
    idle        control edges that wait for nothing
    inference   inference mode: what was built for training made what it is when a model is used
    inline      function calls inlined: the nodes of the body in place of the call
    needed      needed nodes and nothing else; then the last check of edges and types
    statistics  moving averages: which variable keeps the average of which tensor
    switches    switches: placeholders that turn training on and off, known by their names
    tables      lookup tables kept working: who fills them, and from what
"""
