"""Doctor: what is wrong with files, and what can be saved of them.

May not know: the command line.

    byteorder    byte order: values of a machine of the other order
    diagnose     diagnosis of whatever does not open: findings, evidence, the command that mends it
    fingerprint  fingerprint of a SavedModel
    finite       tensors that are not finite: NaN and infinities
    mangled      mangled files: what text conversion did to bytes, and what undoes it
    model        models checked: the graph to its end, its variables, assets
    salvage      salvage: from a damaged checkpoint a good one of all that can be trusted
    undoing      undoing of conversions: of line ends, of encodings, of packing
    verify       verification of all that lies at a path: values, and the graph that they belong to
    mending/     damaged files put right: the parts that salvage is made of
    symptoms/    what is wrong with the files of a checkpoint, and what mends each
"""
