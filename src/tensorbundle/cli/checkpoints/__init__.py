"""Commands on checkpoints, one room a command.

What they print is made in `terminal`, what they do in the library.

    average     the mean of several checkpoints
    crosscheck  every tensor against TensorFlow's own restore
    diff        two checkpoints compared
    edit        a checkpoint with other names, fewer tensors or other dtypes
    export      tensors in a format that other programs read
    ls          what a checkpoint holds, from its index alone
    merge       several checkpoints made one
    relocate    a state file repaired after its directory has moved
    save        a checkpoint made of tensors in other files
    show        one tensor or a few, with statistics and values
    verify      every checksum, and every claim of the index
"""
