"""Sessions of TensorFlow 1 over imported graphs: restored, looked at, run.

elements  operations, tensors and variables of a graph
freezing  graphs written again: frozen to constants, as files
graph     graphs as programs hold them
loading   importing graphs: from ``.meta`` files, frozen graphs, SavedModels
messages  messages of protobuf that programs read: graphs, nodes, attributes, signatures
saver     ``tf.train.Saver``
session   sessions: what is fetched is read or computed
values    values that variables have in a session
"""
