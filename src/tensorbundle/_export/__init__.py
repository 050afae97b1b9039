"""Export: tensors written in formats that other programs read."""
