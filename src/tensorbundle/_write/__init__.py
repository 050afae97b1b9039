"""Writing: tensors into a bundle, and files that appear whole or not at all."""
