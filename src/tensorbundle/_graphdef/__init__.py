"""Messages of graphs: nodes, attributes, tensors, functions, MetaGraphs.

Bytes are kept and decoded when somebody asks; what is not changed is written again as it was read.
Nothing here knows checkpoints or files.
"""
