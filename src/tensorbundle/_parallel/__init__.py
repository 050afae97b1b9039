"""Parallel work: one set of task functions, and who runs them.

Knows nothing of checkpoints, and no engine of its own: threads, any `concurrent.futures.Executor`,
or a Dask client.

    groups   groups of items for tasks, of about as many bytes each
    runners  tasks run by workers, a window of them at a time
"""
