"""Commands for what is broken, or not trusted.

- `salvage`: from a damaged checkpoint a good one.
- `doctor`: what is wrong, and the command that mends it.
- `scan`: what a graph would do beside computing.

    doctor   what is wrong, and the command that mends it
    salvage  from a damaged checkpoint a good one
    scan     what graphs would do beside computing
"""
