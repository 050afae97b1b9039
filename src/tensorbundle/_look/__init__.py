"""Look of what users hold: text for the prompt, and HTML without scripts for notebooks.

Each object says in its own room what is worth telling of it; how that is written is here. May not
know: any of these objects.

    amounts   amounts as people write them: 90.8 kB, 1,200 tensors
    listings  lists of facts that are shown as a table
    markup    markup for notebooks: tables and parts that open, all text escaped
    scopes    scopes of names, layers of one kind folded under one name: layer_#
    tensors   tensors of a checkpoint as a short text and as a table
"""
