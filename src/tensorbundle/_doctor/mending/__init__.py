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

    blocks     blocks of a table: taken apart as far as they parse, checked, and put together again
    layouts    where tensors lie in a shard whose index is lost: by a sibling's index
    outcome    what a salvage came to: tensors kept, mended, proved, unproved and lost
    ranges     stored ranges: one tensor's or slice's bytes in a shard, checked, mended and copied
    recover    recovery of tensors that the index no longer has: where they lie
    remains    what remains of a checkpoint: which of its files are there
    strings    strings mended: flipped bits in the lengths, their checksum or the bytes
    syndromes  syndromes of CRC-32C
    tables     tables mended: the index of a V2 checkpoint, or a V1 file, read in spite of damage
    v1         salvage of V1 checkpoints: tables that hold the tensors themselves
"""
