"""Keras: weights that TensorFlow's Keras saved, in live models of Keras 3 on whatever backend.

Keras is never imported here: what is given is a model, and that is looked at.

    live     objects of a live model: their attributes, layers and variables
    pairs    pairs of stored objects and live ones, walked side by side
    weights  load a checkpoint's weights into a live model
"""

from .weights import LoadedWeights, load_weights

__all__ = ["LoadedWeights", "load_weights"]
