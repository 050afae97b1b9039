"""Look of what users hold: text for the prompt, and HTML without scripts for notebooks.

Objects are asked for facts and nothing more: it stands below them, and imports none.

    amounts      amounts as people write them: 90.8 kB, 1,200 tensors
    differences  differences of two checkpoints as lines and as a table
    listings     lists of facts that are shown as a table
    markup       markup for notebooks: tables and parts that open, all text escaped
    outcomes     outcomes of verbs: what was done, in a line and as tables
    scopes       scopes of names, layers of one kind folded under one name: layer_#
    tensors      tensors of a checkpoint as a short text and as a table
"""
