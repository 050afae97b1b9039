"""Scanning graphs for what they would do beside computing: files, Python, native code, the network.

May not know: the command line. Nothing is ever run.

- `operations`: which operations reach out of the graph, and how.
- `flow`: where the inputs of a node come from, through calls of functions.
- `graphs`: the findings in one graph, its functions and the graphs inside it.
- `scan`: files and directories of graphs.
- `sarif`: findings as SARIF 2.1.0.

    flow        where inputs come from, in the main graph and through calls of functions
    graphs      findings in one graph: its nodes, its functions' bodies
    operations  operations that reach out of a graph: by name
    sarif       findings as SARIF 2.1.0, the form in which code hosts take results of scanners
    scan        scanning files and directories of graphs for what they would do beside computing
"""
