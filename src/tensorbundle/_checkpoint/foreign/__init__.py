"""Tensors in the files of other programs, read as checkpoints.

Rooms: `tensor_files` (the checkpoint), `content` (where a tensor's bytes come from), and one a
format: `npy`, `npz`, `safetensors`, `hdf5`; `arrays` (any mapping). No format's own library is
needed but HDF5's. Nothing here knows of exports.
"""
