"""Commands on graphs, one room a command."""
