"""Jobs of several workers: the parts that each writes, and what is told when they end early.

Knows how parts are written, found again and made one; what is in them the verbs know.

    parts  parts of a result: each a file or bundle of its own name, written by one task
    run    jobs run: tasks whose part is not there yet, and what becomes of the others
"""
