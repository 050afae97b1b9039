"""Object graphs of `tf.train.Checkpoint` and SavedModels, and what optimizers keep.

Nothing here knows in what file a graph of objects lies.

    edit           object graphs made anew without some objects, or with other names
    graph          object graph that a ``tf.train.Checkpoint`` saves beside its tensors
    join           two object graphs made one: what both have under one path becomes one object
    keras_layers   layers of a Keras model in an object graph, in the model's order
    message        message ``TrackableObjectGraph``: nodes as stored, read and written
    optimizers     optimizers' variables and moving averages
    saved_objects  objects of a TensorFlow 2 SavedModel, and what they say of its variables
    slots          optimizer slots and moving averages in checkpoints of names
    tree           object graphs made from scratch
"""
