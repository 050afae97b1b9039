"""Far checkpoints as files: copied here whole, published whole.

Knows names of files and the order in which they may appear; what is in them it does not know, but
for the number of shards in an index.

    nearby   private copies of what an address means, for those who need files
    publish  files put far away: data first, the index last, if nobody else was quicker
    states   far state files: read, replaced, and what they name
    verbs    functions that take paths made to take addresses
"""
