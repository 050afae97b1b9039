"""Commands on programs that import TensorFlow.

run_script  ``tensorbundle run-script``: a program run without TensorFlow
shim_check  ``tensorbundle shim-check``: what a program uses that the stand-in lacks
"""
