"""Terminal: tables, trees, numbers and progress as they are printed.

Nothing here knows a command.

    console    results on stdout, remarks on stderr, colour on terminals
    corners    corners of a large array: what numpy prints of it
    documents  documents of ``--json``
    listing    listings of a directory's checkpoints, for ``tensorbundle ls --checkpoints``
    progress   progress bar in bytes, on terminals only, and only for work that takes a moment
    sizes      byte counts as people write them, in both directions: 90.8 kB, 5GB, 512MiB
    spelling   tensor names on a terminal: shown without harm, and read back as shown
    tables     aligned columns as plain text: streamed, never cut, folded only on a terminal
    trees      tensors or nodes as a tree of scopes
    values     values as text (the way numpy prints them) and as JSON
"""
