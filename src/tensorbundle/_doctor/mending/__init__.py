"""Damaged files put right: the parts that salvage is made of.

- `syndromes`: flipped bits from wrong checksums.
- `blocks`: the blocks of a table, taken apart and put together.
- `tables`: damaged tables (indexes, V1 files) mended, or made anew of their sound blocks.
- `strings`: flipped bits in string tensors, lengths included.
- `ranges`: one tensor's bytes in a shard, checked, mended and copied.
- `remains`: which files of a checkpoint are there.
- `layouts`: where tensors lie, by a sibling's index or the graph, when the index is gone.
- `recover`: what proves the tensors that lie there.
- `v1`: V1 checkpoints.
- `outcome`: what a salvage came to.
"""
