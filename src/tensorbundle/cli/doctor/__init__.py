"""Commands for what is broken, or not trusted.

doctor             what is wrong, and the command that mends it
prune_checkpoints  all but the newest whole checkpoints of a directory go
salvage            from a damaged checkpoint a good one
scan               what graphs would do beside computing
"""
