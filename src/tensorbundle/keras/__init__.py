"""Keras: weights that TensorFlow's Keras saved, in live models of Keras 3 on whatever backend.

Weights go into a model that is given, which is only looked at: Keras is imported by `load_model`.

    live          objects of a live model: their attributes, layers and variables
    pairs         pairs of stored objects and live ones, walked side by side
    saved_models  models of Keras 2 SavedModels, built anew from their configurations
    weights       load a checkpoint's weights into a live model
"""

from .saved_models import LoadedModel, load_model
from .weights import LoadedWeights, load_weights

__all__ = ["LoadedModel", "LoadedWeights", "load_model", "load_weights"]
