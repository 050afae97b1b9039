"""Stores on the command line: how they are opened, who works for them, and copies between them.

cp           a checkpoint copied whole, between directories and stores
far_options  options of stores, which addresses are opened with
workers      workers of commands: threads, or those of a Dask scheduler
"""
