"""Tensors in the files of other programs, read as checkpoints.

No format's own library is needed but HDF5's and torch's. Nothing here knows of exports.

    content       tensors of such files: what each is, and where its bytes come from
    files         files of other programs, opened without trusting what they are
    hdf5          HDF5 (`.h5`): the datasets of a file by their paths, read by h5py
    lazy          lazy arrays of Dask over a checkpoint
    libraries     tensors as other libraries hold them: torch, JAX, and trees of arrays
    npy           `.npy`: one file of one array, or the folder of an export with its index
    npz           `.npz`: a zip archive of `.npy` files, stored or deflated
    safetensors   `.safetensors`: one file, or several with an index
    tensor_files  the checkpoint: names, dtypes, arrays, verification
    torch         torch's `.pt` and `.bin`: a state dict, read by torch, weights only
"""
