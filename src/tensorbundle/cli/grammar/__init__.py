"""Grammar of the command line: options, arguments, failures, how a path is opened.

Nothing here knows a command.

    assignments    values on the command line: ``NAME=VALUE``, a file of numpy's or written out
    completion     completion of tensor names, for shells that ask
    failures       failures of the command: exit codes, and every error as one line on stderr
    graph_options  options of the commands that make a graph of a graph
    help           help that is shown as it is written: a command's docstring, lines and all
    opening        opening the checkpoint that a command works on
    options        options that several commands share, each told once
    parts          parts of tensors: ``NAME[0:3]``
    selection      tensors as commands take them: patterns, and what they leave out
"""
