"""Graphs opened: files of graphs, their variables, and which key of a checkpoint each has.

Nothing here changes a graph, or guesses what it is for.

    chunked         chunked SavedModels (``saved_model.cpb``), put together again
    files           files of graphs: found, told apart by their content, and read
    graph           graphs as a user sees them: `load_graph` and what it gives
    initial_values  initial values that are constants, for variables that were never saved
    mapping         mapping variables of a graph to keys of a checkpoint
    problems        problems of the variables that a model needs, told together
    riegeli         riegeli records, the container of chunked SavedModels (freeze.md §1.5)
    sources         sources of keys: what graph and checkpoint say of variables, best first
    variables       variables of a graph, and the parts of stored tensors that some of them are
    walk            walking a graph backward from restore and save ops, through functions
"""
