"""Formats of other programs, as bytes: headers of files of tensors, both ways.

No room here opens a file.

    npy          header of a `.npy` file
    safetensors  header of a `.safetensors` file, and the index of several
    torch        tensors of torch as arrays
"""
