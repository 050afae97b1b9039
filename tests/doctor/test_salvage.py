"""Salvage: what can be trusted of damaged checkpoints is saved, and nothing else."""

import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.doctor.damage import assert_same, flip, overwrite, small_values
from tests.golden.cases import DATA

SHARD = ".data-00000-of-00001"


@pytest.fixture
def small(tmp_path: Path) -> str:
    prefix = str(tmp_path / "m")
    tb.save(prefix, small_values())
    return prefix


# --- flipped bits -------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".index", SHARD])
def test_every_bit_of_a_small_bundle_is_mended(small: str, suffix: str, tmp_path: Path) -> None:
    path = Path(small + suffix)
    raw = path.read_bytes()
    for bit in range(8 * len(raw)):
        path.write_bytes(flip(raw, bit))
        done = tb.salvage(small)
        assert (done.ok, [each.bits for each in done.mended]) == (True, [(bit,)]), done
        if bit % 97 == 0:
            tb.salvage(small, tmp_path / "good", overwrite=True)
            assert_same(str(tmp_path / "good"), small_values())
    print(f"{8 * len(raw)} bits of {path.name} flipped and mended")


def test_what_is_mended_is_mended_in_place_only_when_asked(small: str) -> None:
    path = Path(small + SHARD)
    raw = path.read_bytes()
    path.write_bytes(flip(raw, 77))
    assert tb.salvage(small).mended[0].bits == (77,)
    assert path.read_bytes() == flip(raw, 77)
    tb.salvage(small, in_place=True)
    assert path.read_bytes() == raw
    assert_same(small, small_values())


def test_two_bits_nearby_are_mended(small: str) -> None:
    path = Path(small + SHARD)
    raw = path.read_bytes()
    path.write_bytes(flip(raw, 100, 131))
    done = tb.salvage(small)
    assert [each.bits for each in done.mended] == [(100, 131)]
    assert done.mended[0].doubt < 1e-4


def test_bits_of_a_v1_file_are_mended(tmp_path: Path) -> None:
    source = DATA / "saver_v1" / "model.ckpt-3"
    expected = tb.open(source).load()
    raw = source.read_bytes()
    bits = random.Random(1).sample(range(8 * len(raw)), 200)
    for number, bit in enumerate(bits):
        (tmp_path / "m").write_bytes(flip(raw, bit))
        done = tb.salvage(tmp_path / "m", tmp_path / "good" if number % 20 == 0 else None,
                          overwrite=True)  # fmt: skip
        assert (done.ok, [each.bits for each in done.mended]) == (True, [(bit,)]), done
        if number % 20 == 0:
            assert_same(str(tmp_path / "good"), expected)
    print(f"{len(bits)} bits of a V1 file flipped and mended")


def test_a_bit_of_a_large_tensor_is_mended_with_its_doubt_told(tmp_path: Path) -> None:
    prefix = str(tmp_path / "m")
    values = {"w": np.random.default_rng(1).integers(0, 255, 16 << 20, np.uint8), "x": np.ones(3)}
    tb.save(prefix, values)
    with open(prefix + SHARD, "r+b") as file:
        file.seek(12_345_678)
        byte = file.read(1)
        file.seek(12_345_678)
        file.write(flip(byte, 3))
    done = tb.salvage(prefix, tmp_path / "good")
    assert [(each.bits, each.name) for each in done.mended] == [((8 * 12_345_678 + 3,), "w")]
    assert 0.05 < done.mended[0].doubt < 0.07
    assert_same(str(tmp_path / "good"), values)
    strict = tb.salvage(prefix, max_doubt=0.01)
    assert (strict.kept, [each.name for each in strict.lost]) == (("x",), ["w"])


# --- other damage -------------------------------------------------------------------------------


def test_a_tensor_overwritten_is_lost_and_the_others_are_saved(small: str, tmp_path: Path) -> None:
    info = tb.open(small).info("a/kernel")
    overwrite(Path(small + SHARD), info.offset or 0, b"garbage!" * 3)
    done = tb.salvage(small, tmp_path / "good")
    assert [(each.name, "no flipped bit" in each.why) for each in done.lost] == [("a/kernel", True)]
    expected = small_values()
    del expected["a/kernel"]
    assert_same(str(tmp_path / "good"), expected)


def test_the_shard_of_another_save_is_not_mended_into_a_lie(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    for name in ("one", "two"):
        values = {f"t{n:02}": random.normal(size=3000).astype("f4") for n in range(40)}
        tb.save(tmp_path / name, values)
    shutil.copy(str(tmp_path / "two") + SHARD, str(tmp_path / "one") + SHARD)
    done = tb.salvage(tmp_path / "one")
    assert (done.kept, done.mended, len(done.lost)) == ((), (), 40)


def test_a_shard_cut_off_gives_the_tensors_before_the_cut(small: str, tmp_path: Path) -> None:
    info = tb.open(small).info("c/int")
    os.truncate(small + SHARD, info.offset or 0)
    done = tb.salvage(small, tmp_path / "good")
    assert done.kept == ("a/kernel", "b", "e")  # the last has no bytes
    assert all("cut off" in each.why for each in done.lost)


def test_a_missing_shard_costs_its_tensors_only(tmp_path: Path) -> None:
    values = {f"t{n}": np.full(10, n) for n in range(6)}
    tb.save(tmp_path / "m", values, max_shard_bytes=160)
    os.unlink(tmp_path / "m.data-00001-of-00003")
    done = tb.salvage(tmp_path / "m", tmp_path / "good")
    assert (len(done.kept), len(done.lost)) == (4, 2)
    assert_same(str(tmp_path / "good"), {name: values[name] for name in done.kept})


def test_random_damage_never_gives_a_wrong_value(small: str, tmp_path: Path) -> None:
    """Bytes written over, cut out, put in, swapped, in index or shard: what is kept is right."""
    expected = small_values()
    files = [Path(small + ".index"), Path(small + SHARD)]
    whole = [path.read_bytes() for path in files]
    draw = random.Random(11)
    trials, kept, mended = 400, 0, 0
    for trial in range(trials):
        number = trial % 2
        raw = bytearray(whole[number])
        for _ in range(draw.randint(1, 3)):
            at, size = draw.randrange(len(raw)), draw.randint(1, 40)
            junk = draw.randbytes(size)
            if draw.random() < 0.6:
                raw[at : at + size] = junk[: len(raw) - at]
            elif draw.random() < 0.5:
                del raw[at : at + size]
            else:
                raw[at:at] = junk
        files[number].write_bytes(raw)
        done = tb.salvage(small, tmp_path / "good", overwrite=True)
        assert bool(done.kept) == (done.dst is not None)
        ckpt = tb.open(tmp_path / "good") if done.kept else {}
        assert tuple(ckpt) == done.kept
        for name in done.kept:
            np.testing.assert_array_equal(ckpt[name], expected[name])
        kept += len(done.kept)
        mended += len(done.mended)
        files[number].write_bytes(whole[number])
    print(f"{trials} damaged bundles: {kept} tensors kept, all right; {mended} mendings")
    assert kept > trials


# --- the index ----------------------------------------------------------------------------------


def many(folder: Path, seed: int, name: str = "many") -> dict[str, np.ndarray]:
    """A checkpoint whose index has several blocks."""
    draw = np.random.default_rng(seed)
    values = {f"scope_{n % 100}/layer_{n}/weights": draw.normal(size=2) for n in range(15_000)}
    tb.save(folder / name, values)
    return values


def test_good_blocks_and_what_parses_of_bad_ones_give_their_entries(tmp_path: Path) -> None:
    values = many(tmp_path, 1)
    index = tmp_path / "many.index"
    overwrite(index, 300_000, b"\xee" * 200)
    whole = tb.salvage(tmp_path / "many")
    print(f"{len(whole.kept)} of {len(values)} kept, {len(whole.unproved)} unproved")
    assert len(whole.kept) > 5000
    assert len(whole.kept) + len(whole.unproved) > len(values) - 40
    # With a sibling to say which names there are, those entries are proved by their tensors' sums.
    many(tmp_path, 2, "many-2")
    proved = tb.salvage(tmp_path / "many", tmp_path / "good")
    print(f"{len(proved.proved)} proved by a sibling's names and checksums")
    assert len(proved.kept) > len(values) - 20
    ckpt = tb.open(tmp_path / "good")
    assert ckpt.verify().ok
    for name in proved.kept:
        np.testing.assert_array_equal(ckpt[name], values[name])


@pytest.mark.parametrize("tail", [48, 100])
def test_an_index_without_its_end_is_read_by_its_blocks(tmp_path: Path, tail: int) -> None:
    values = many(tmp_path, 1)
    index = tmp_path / "many.index"
    os.truncate(index, index.stat().st_size - tail)
    done = tb.salvage(tmp_path / "many", tmp_path / "good")
    assert_same(str(tmp_path / "good"), values)
    assert any("looked for by their ends" in note for note in done.notes)


def test_a_lost_index_is_replaced_by_a_siblings_which_alone_proves_little(tmp_path: Path) -> None:
    first, second = small_values(), small_values()
    second["a/kernel"] = second["a/kernel"] + 1
    tb.save(tmp_path / "m-1", first)
    tb.save(tmp_path / "m-2", second)
    os.unlink(tmp_path / "m-2.index")
    done = tb.salvage(tmp_path / "m-2", tmp_path / "good")
    assert set(done.proved) == set(second) - {"a/kernel"}
    assert [each.name for each in done.unproved] == ["a/kernel"]
    everything = tb.salvage(tmp_path / "m-2", tmp_path / "all", unproved=True)
    assert not everything.ok
    assert_same(str(tmp_path / "all"), second)
    del second["a/kernel"]
    assert_same(str(tmp_path / "good"), second)


def test_a_sibling_and_checksums_left_in_the_index_prove_tensors(tmp_path: Path) -> None:
    first, second = small_values(), small_values()
    for name in ("a/kernel", "c/int"):
        second[name] = second[name] + 1
    tb.save(tmp_path / "m-1", first)
    tb.save(tmp_path / "m-2", second)
    # Keys and restart points are gone, and the footer; the checksums of the entries are there.
    index = tmp_path / "m-2.index"
    raw = index.read_bytes()
    for name in (b"a/kernel", b"c/int"):
        raw = raw.replace(name, b"\xff" * len(name))
    index.write_bytes(raw[:-110])
    done = tb.salvage(tmp_path / "m-2", tmp_path / "good")
    assert {"a/kernel", "c/int"} <= set(done.proved)
    assert_same(str(tmp_path / "good"), second)


def test_a_sibling_of_another_layout_is_not_used(tmp_path: Path) -> None:
    tb.save(tmp_path / "m-1", {"other": np.zeros(7)})
    tb.save(tmp_path / "m-2", small_values())
    os.unlink(tmp_path / "m-2.index")
    done = tb.salvage(tmp_path / "m-2", like=tmp_path / "m-1")
    assert done.kept == ()
    assert "lie otherwise" in " ".join(done.notes)


def test_the_graph_says_where_tensors_lie_when_the_index_is_gone(tmp_path: Path) -> None:
    source = DATA / "saver"
    base = "model.ckpt-20"
    for path in source.glob(base + ".*"):
        shutil.copy(path, tmp_path / path.name)
    expected = tb.open(source / base).load()
    index = tmp_path / (base + ".index")
    raw = index.read_bytes()
    os.unlink(index)
    done = tb.salvage(tmp_path / base, tmp_path / "good", unproved=True)
    assert_same(str(tmp_path / "good"), expected)
    assert {each.name for each in done.unproved} == set(expected)
    # With what is left of an index, their checksums are found in it.
    index.write_bytes(b"\xee" * 30 + raw[30:-90])
    done = tb.salvage(tmp_path / base, tmp_path / "proved")
    print(f"{len(done.proved)} of {len(expected)} proved by checksums found in the remains")
    assert len(done.proved) >= len(expected) - 2
    ckpt = tb.open(tmp_path / "proved")
    for name in done.kept:
        np.testing.assert_array_equal(ckpt[name], expected[name])


# --- misuse -------------------------------------------------------------------------------------


def test_a_path_with_nothing_and_files_that_are_no_checkpoint_are_refused(tmp_path: Path) -> None:
    with pytest.raises(tb.MissingFileError, match="no checkpoint at"):
        tb.salvage(tmp_path / "nothing")
    (tmp_path / "page").write_text("<!DOCTYPE html><title>404</title>")
    with pytest.raises(tb.FormatError, match="an HTML page"):
        tb.salvage(tmp_path / "page")


def test_an_existing_target_is_not_replaced_unasked(small: str, tmp_path: Path) -> None:
    tb.save(tmp_path / "good", {"x": np.ones(3)})
    with pytest.raises(FileExistsError, match="exists"):
        tb.salvage(small, tmp_path / "good")
    with pytest.raises(ValueError, match="another prefix"):
        tb.salvage(small, small)
    with pytest.raises(ValueError, match="no dst"):
        tb.salvage(small, tmp_path / "good", in_place=True)
