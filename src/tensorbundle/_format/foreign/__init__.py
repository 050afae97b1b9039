"""Formats of other programs, as bytes: headers of `.npy` and of `.safetensors`, both ways."""
