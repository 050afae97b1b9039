"""Commands on checkpoints, one room a command."""
