"""Parts of TensorFlow as programs find them beside its readers.

flags        flags and main functions, absl's where it is installed
gfile        files, local and remote
inspection   tensors of a checkpoint printed
logs         log of a program
nest         nested structures: flattened, mapped, packed again
plain_flags  flags where absl is not installed
records      records of files, one after the other
switches     switches that change nothing here
tensors      tensors with values, shapes, classes to compare with
text         text and bytes
"""
