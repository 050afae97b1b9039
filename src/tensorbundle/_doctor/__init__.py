"""What is wrong with files, and what can be saved of them.

May not know: the command line.

- `salvage`: from a damaged checkpoint a good one; its parts are in `mending`.
- `fingerprint`: the checksum that a SavedModel keeps of its graph.
- `model`: graphs to their end, their variables, assets, fingerprint and objects.
- `finite`: tensors with NaN or infinities.
- `mangled`: what text conversion did to a file, and what undoes it.
- `verify`: everything at a path checked, graphs included.
- `diagnose`: what is wrong with whatever does not open, and the command that mends it.

    fingerprint  fingerprint of a SavedModel
    finite       tensors that are not finite: NaN and infinities
    model        models checked: the graph to its end, its variables, assets
    salvage      salvage: from a damaged checkpoint a good one of all that can be trusted
    verify       verification of all that lies at a path: values, and the graph that they belong to
    mending/     damaged files put right: the parts that salvage is made of
"""
