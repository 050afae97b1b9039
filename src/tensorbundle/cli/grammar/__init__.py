"""Grammar of the command line: options, arguments, failures, how a path is opened."""
