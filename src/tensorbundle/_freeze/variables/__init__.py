"""Variables of a graph that is frozen: handles, reads, updates and constants.

Nothing here knows where values come from.

    constants   variables made constants, with all that uses them
    forms       forms of a variable's users when the variable is a constant
    handles     handles and references of variables, followed to where they go
    rewrite     rewriting a graph or a function's body for variables that are values
    specialise  functions made again for arguments that are values where they were handles
    states      states that are fed: what a write leaves goes to those that read it afterwards
    updates     operations that write variables: dropped where nothing but control edges reach them
"""
