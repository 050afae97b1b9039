"""Wishes of a freeze: the request, outputs chosen and found, cuts at inputs.

Nothing here knows how freezing is done.

    choice   those named, the signature's, or the best of what may be some
    cuts     cuts of a graph: tensors that are to be fed, and placeholders that get a value
    request  requests to freeze: the options of one call, checked before any work is done
    resolve  resolving names of outputs into tensors; and what to say when there is none such
"""
