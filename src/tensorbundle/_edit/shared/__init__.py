"""Work of edits that several workers can share, and what each of them does.

averaging  averages by workers: each computes the means of some tensors
comparing  comparisons by workers: each compares some tensors
comparison  comparison of tensors of two checkpoints, one by one
means      means of tensors, written some megabytes at a time
rewriting  rewrites by workers: each writes some tensors anew
"""
