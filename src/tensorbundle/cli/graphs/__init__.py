"""Commands on graphs, one room a command; `views` and `documents` print for several.

What they do is done in the library.

    documents           graphs as JSON, and in the language of Graphviz
    export_saved_model  a graph and its checkpoint, ready to be served
    freeze              a graph and its weights in one file
    graph               what a graph is made of, and where its inputs and outputs are
    prune               the part of a graph that outputs need, without weights
    run                 what a graph computes, without TensorFlow
    views               views of ``tensorbundle graph``: a summary, and each part by itself
"""
