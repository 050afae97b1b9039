"""Wishes of a freeze: the request, outputs chosen and found, cuts at inputs.

Nothing here knows how freezing is done.

    choice      those named, the signature's, or the best of what may be some
    cuts        cuts of a graph: tensors that are to be fed, and placeholders that get a value
    loops       loops of TensorFlow 1: what is inside of a frame is no output, what leaves it is
    places      nodes by the names that users give, in the main graph and inside of calls
    request     requests to freeze: the options of one call, checked before any work is done
    resolve     resolving names of outputs into tensors; and what to say when there is none such
    signatures  signatures: which one is meant, and the tensors that its keys are
    unknown     names that are not there: what to say of them, with what the user may have meant
"""
