"""Checkpoints that lie far away: their indexes, bundles and tables, read by ranges.

audit        verification of far bundles, streamed
bundle       far V2 checkpoints: arrays of their own, fetched by parts and checked
directories  far directories: what lies in them, which is the newest
groups       tensors that are fetched together, and where their bytes go
index        indexes of far bundles: fetched, kept on disk, and compared with what is there now
opening      which checkpoint an address means
shards       data shards, found when they are first needed
sources      sources of jobs: what workers open by themselves, each once a process
tables       far V1 checkpoints
tasks        verification by workers, some shards each
"""
