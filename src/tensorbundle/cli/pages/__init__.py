"""Commands that make something to look at.

report  one page about a checkpoint or a model, or about two checkpoints compared
"""
