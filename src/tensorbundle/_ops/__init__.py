"""Operations of TensorFlow: what each of them is, takes and gives.

Nothing here knows variables of a checkpoint, or what a graph is wanted for.

    edges  who feeds whom, in a graph and in the body of a function
    facts  facts of operations: their outputs, whether they have state, defaults of their attributes
    ports  named outputs as numbered ones
    types  types and shapes of nodes' outputs: dtype, and dimensions as far as a graph tells them
"""
