"""Outputs and inputs of graphs whose programs are gone (freeze.md §4).

Nothing here changes a graph.

    candidates  candidates for results
    heads       a result in all its forms (logits, probabilities, arg-max)
    inputs      inputs of a graph: data, switches with their defaults, labels
    parts       how much of the network candidates need, and which only lead to others
    roles       roles of a training graph's parts: variables, their reads, layers, sources, labels
    score       scores of candidates: what speaks for each, and why
    stated      outputs that a file states: signatures, and collections of its program
    suggest     suggesting outputs of a graph when nobody says them, best first
    topology    topology of a graph in numbers
    training    training networks: copies made for use, networks that only judge others
    words       words and operations that tell parts of a graph apart
"""
