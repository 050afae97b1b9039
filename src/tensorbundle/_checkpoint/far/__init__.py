"""Checkpoints that lie far away: their indexes, bundles and tables, read by ranges.

index    indexes of far bundles: fetched, kept on disk, and compared with what is there now
bundle   far V2 checkpoints: arrays of their own, fetched by parts and checked
audit    verification of far bundles, streamed
groups   tensors that are fetched together, and where their bytes go
    shards   data shards, found when they are first needed
    tasks    verification by workers, some shards each
tables   far V1 checkpoints
opening  which checkpoint an address means
"""
