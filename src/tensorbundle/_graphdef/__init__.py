"""Messages of graphs, decoded when somebody asks and written again as they were read.

Nothing here knows checkpoints, files or what operations take and give.

    attributes  ``AttrValue``: the attributes as raw bytes and as values
    facts       facts of a MetaGraph beside its graph: signatures, collections, savers
    functions   ``FunctionDef`` and ``OpDef``
    located     properties that are decoded when first asked for, with errors that name the file
    meta_graph  ``MetaGraphDef``
    nodes       ``NodeDef``: the nodes of a graph, made from bytes and back
    roles       roles of operations: variables, placeholders, calls, tables, what writes
    shapes      ``TensorShapeProto``: shapes, of which dimensions or all may be unknown
    tensors     ``TensorProto``: a tensor inside a message, read and written
    text        graphs as protobuf text (``.pbtxt``), by protobuf itself
"""
