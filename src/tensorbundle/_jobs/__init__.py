"""Jobs of several workers: what each opens for itself, and the parts that it writes.

Knows how parts are written, found again and made one; what is in them the verbs know.

    parts    parts of a result: each a file or bundle of its own name, written by one task
    run      jobs run: tasks whose part is not there yet, and what is told when they end early
    sources  sources that workers open by themselves, each once a process
"""
