"""Export: tensors written in formats that other programs read.

Nothing here knows of what kind the checkpoint is that the tensors come from.

    arrays       any mapping of arrays, read as a checkpoint
    cast         casts on the way out: a checkpoint as it is read, but in another dtype
    copy         copies of checkpoints, whole, between directories and stores
    export       write a checkpoint's tensors in a format that other programs read
    hdf5         HDF5 (`.h5`), written by h5py: weights that Keras loads
    hub          hub folders: `config.json` and `.safetensors`
    npy          files of numpy's `.npy` format, and a directory of them
    npz          archives of numpy, `.npz`: the tensors' `.npy` files in a zip, not compressed
    request      requests to export
    safetensors  `.safetensors`
    shared       files of safetensors by workers: each writes some
"""
