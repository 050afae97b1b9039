"""Commands between formats and libraries, one room a command.

convert  ``tensorbundle convert``: a checkpoint under another library's names, by rules
"""
