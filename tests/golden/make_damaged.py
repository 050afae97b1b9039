"""Makers of what people really commit: cut-off, replaced and missing files of a good bundle."""

import shutil
from pathlib import Path

import numpy as np

from tests.golden.fixture import Fixture, merge_v2, save_v2, strings

INDEX, DATA = "model.ckpt.index", "model.ckpt.data-00000-of-00001"
POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    "size 12345678\n"
)
PAGE = "<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body></body></html>\n"


def good_bundle(folder: str, scale: float = 1.0) -> tuple[Path, Path]:
    """Write the sound bundle that the damage is done to; return its index and data file."""
    steps = (np.arange(1, 1025, dtype=np.float32) * np.float32(scale)).reshape(32, 32)
    saved = {
        b"dense/kernel": steps,
        b"dense/bias": steps[0].copy(),
        b"global_step": np.array(int(100 * scale), np.int64),
        b"labels": strings(b"cat", b"dog", b"bird"),
        b"logits/kernel": steps[::-1].copy(),
    }
    save_v2(f"{folder}/model.ckpt", [(name, "", array) for name, array in saved.items()])
    return Path(folder, INDEX), Path(folder, DATA)


def flip_bit(content: bytes, at: int) -> bytes:
    """Return the content with one bit of the byte at `at` flipped."""
    return content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :]


def damage_files(folder: str, damage: str) -> None:
    """Do one kind of damage to a good bundle in a folder."""
    index, data = good_bundle(folder)
    sound = data.read_bytes()
    match damage:
        case "index is a git-LFS pointer":
            index.write_text(POINTER)
        case "data is a git-LFS pointer":
            data.write_text(POINTER)
        case "index is a symlink stored as text":
            index.write_text("../run3/model.ckpt-100.index")
        case "index is an HTML page":
            index.write_text(PAGE)
        case "data is an HTML page":
            data.write_text(PAGE)
        case "index is empty":
            index.write_bytes(b"")
        case "data is empty":
            data.write_bytes(b"")
        case "index is cut off":
            index.write_bytes(index.read_bytes()[:-60])
        case "data is cut off":
            data.write_bytes(sound[:5000])
        case "data has a range of zeros":
            data.write_bytes(sound[:2048] + bytes(2048) + sound[4096:])
        case "data is all zeros":
            data.write_bytes(bytes(len(sound)))
        case "data has one flipped bit":
            data.write_bytes(flip_bit(sound, 777))
        case "index without data":
            data.unlink()
        case "data without index":
            index.unlink()
        case "only a .meta file":
            index.unlink()
            data.unlink()
            shutil.copyfile("saver/model.ckpt-20.meta", f"{folder}/model.ckpt.meta")
        case "data of another save":
            good_bundle(f"{folder}/other", scale=2.0)
            shutil.copyfile(f"{folder}/other/{DATA}", data)
            shutil.rmtree(f"{folder}/other")
        case _:
            raise ValueError(damage)


DAMAGES = {
    "lfs_pointer_index": "index is a git-LFS pointer",
    "lfs_pointer_data": "data is a git-LFS pointer",
    "symlink_text_index": "index is a symlink stored as text",
    "html_index": "index is an HTML page",
    "html_data": "data is an HTML page",
    "empty_index": "index is empty",
    "empty_data": "data is empty",
    "truncated_index": "index is cut off",
    "truncated_data": "data is cut off",
    "zero_range": "data has a range of zeros",
    "all_zeros": "data is all zeros",
    "flipped_bit": "data has one flipped bit",
    "missing_data": "index without data",
    "missing_index": "data without index",
    "meta_only": "only a .meta file",
    "mixed_saves": "data of another save",
}


def make_missing_shard() -> Fixture:
    """Two shards, the second of them gone."""
    parts = []
    for shard in range(2):
        parts.append(f"damaged/missing_shard_temp/part-{shard:05d}-of-00002")
        array = np.arange(6, dtype=np.float32) + shard
        save_v2(parts[-1], [(b"shard%d/w" % shard, "", array)])
    Path("damaged/missing_shard").mkdir()
    merge_v2(parts, "damaged/missing_shard/model.ckpt")
    Path("damaged/missing_shard_temp").rmdir()
    Path("damaged/missing_shard/model.ckpt.data-00001-of-00002").unlink()
    path = "damaged/missing_shard/model.ckpt"
    return Fixture("damaged/missing_shard", path, damaged="the second shard is missing")


def make_legacy() -> list[Fixture]:
    """V1 files: cut off, flipped, replaced, and one shard of two."""
    whole = Path("v1/slices").read_bytes()
    at = len(whole) // 3
    contents = {
        "v1_truncated": ("V1 file is cut off", whole[:-100]),
        "v1_flipped_bit": ("V1 file has one flipped bit", flip_bit(whole, at)),
        "v1_lfs_pointer": ("V1 file is a git-LFS pointer", POINTER.encode()),
    }
    fixtures = []
    for name, (damage, content) in contents.items():
        Path(f"damaged/{name}").mkdir()
        Path(f"damaged/{name}/model.ckpt").write_bytes(content)
        fixtures.append(Fixture(f"damaged/{name}", f"damaged/{name}/model.ckpt", damaged=damage))
    folder, lost = "damaged/v1_missing_shard", "model.ckpt-5-00001-of-00002"
    shutil.copytree("v1/sharded", folder, ignore=shutil.ignore_patterns(lost))
    glob = f"{folder}/model.ckpt-5-?????-of-00002"
    spellings = [folder, f"{folder}/checkpoint"]
    damage = "the second V1 file is missing"
    return [*fixtures, Fixture(folder, glob, spellings=spellings, damaged=damage)]


def make() -> list[Fixture]:
    """Write all of them, from what make_objects and make_legacy have written."""
    fixtures = []
    for name, damage in DAMAGES.items():
        folder = f"damaged/{name}"
        damage_files(folder, damage)
        fixtures.append(Fixture(folder, f"{folder}/model.ckpt", damaged=damage))
    return [*fixtures, make_missing_shard(), *make_legacy()]
