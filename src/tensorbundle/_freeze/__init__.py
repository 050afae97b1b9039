"""Freezing: variables become constants, and what the outputs do not need goes.

Nothing here runs a graph.

    assemble     the stages of freezing, from a graph and a wish to what is to be written
    contents     contents of constants: the values that variables have
    freeze       make one file of a graph and its weights: variables become constants
    model_files  files of a SavedModel that is written: graph
    naming       names in a frozen graph
    pruning      the part of a graph that outputs need, without weights
    result       results of freezing
    saved_model  write a SavedModel that TensorFlow and its servers load
    saver_nodes  variables where freezing has put constants
    stream       streaming a graph into a file: sizes are known before, and weights pass through
    weights      weights of a frozen graph: ranges of data shards wherever that can be
    stages/      stages of freezing that change the graph, each from nodes to nodes
    variables/   variables of a graph that is frozen: handles, reads, updates and constants
    wanted/      wishes of a freeze: the request, outputs chosen and found, cuts at inputs
"""
