"""Sessions of TensorFlow 1 over imported graphs: restored, looked at, run.

defaults  graphs and sessions that programs mean when they name none
elements  operations, tensors and variables of a graph
freezing  graphs written again: frozen to constants, as files
graph     graphs as programs hold them
listing   what is in the default graph: collections, variables
loading   importing graphs: from ``.meta`` files, frozen graphs, SavedModels
messages  messages of protobuf that programs read: graphs, nodes, attributes, signatures
saver     ``tf.train.Saver``
session   sessions: what is fetched is read or computed
values    values that variables have in a session
"""
