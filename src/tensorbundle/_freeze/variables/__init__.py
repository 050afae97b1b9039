"""Variables of a graph that is frozen: their handles, reads, updates and constants."""
