"""Report: one page about a checkpoint, a graph or a model, or about two checkpoints compared.

The page needs no network and no server. Its data are gathered here, as JSON; what is drawn of them
is drawn by the scripts in `assets`, where names are text and never markup.

    comparison    comparison of two checkpoints, tensor by tensor, for the page
    distribution  distribution of a tensor's values: histogram, quantiles, powers of two
    html          the page itself: data, scripts and styles in one file that asks for nothing
    objects       object tree of a checkpoint, as the page opens it
    outline       outline of a graph: its nodes and edges, as the page draws them scope by scope
    page          ``report``: what is looked at, and the file that is written
    statistics    statistics of a tensor from its pieces
    tensors       tensors of a checkpoint, as columns of the page's table
"""
