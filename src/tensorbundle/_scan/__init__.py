"""What a graph would do beside computing: files, Python, native code, the network.

May not know: the command line. Nothing is ever run.

- `operations`: which operations reach out of the graph, and how.
- `flow`: where the inputs of a node come from, through calls of functions.
- `graphs`: the findings in one graph, its functions and the graphs inside it.
- `scan`: files and directories of graphs.
- `sarif`: findings as SARIF 2.1.0.
"""
