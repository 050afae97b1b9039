"""Prints tensors of a checkpoint with TensorFlow's own tool."""

import sys

from tensorflow.python.tools.inspect_checkpoint import print_tensors_in_checkpoint_file as show

path, name = sys.argv[1:]
show(path, name, False)
show(path, "nowhere", False)
show(file_name=path, tensor_name="", all_tensors=True)
show(path, None, all_tensors=False, all_tensor_names=True, count_exclude_pattern="bias|moving")
