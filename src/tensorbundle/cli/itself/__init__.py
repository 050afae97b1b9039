"""Commands about the command itself, and what to try it on.

completion  the script that makes a shell complete commands and names
demo        small checkpoints and models to try things on
help        the help of a command, or of them all
"""
