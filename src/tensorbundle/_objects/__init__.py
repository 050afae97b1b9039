"""Object graphs of `tf.train.Checkpoint` and SavedModels, and what optimizers keep."""
