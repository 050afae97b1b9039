"""Tiny files with the names of checkpoints, for tests to which only names and V1's magic matter."""

import os

TABLE = bytes(48 - 8) + bytes.fromhex("57fb808b247547db")
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:cd34\nsize 64503\n"


def touch(path, content=b"\x01"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def bundle(directory, base, *, meta=False):
    """The files of a V2 checkpoint; returns its prefix."""
    touch(directory / f"{base}.index", TABLE)
    touch(directory / f"{base}.data-00000-of-00001")
    if meta:
        touch(directory / f"{base}.meta")
    return os.path.join(directory, base)


def state(directory, *names):
    """A state file that names the last of these as the newest."""
    lines = [f"model_checkpoint_path: '{names[-1]}'\r\n"]
    lines += [f"all_model_checkpoint_paths: '{name}'\r\n" for name in names]
    return str(touch(directory / "checkpoint", "".join(lines).replace("\\", "\\\\").encode()))


def saved_model(directory, graph="saved_model.pb"):
    touch(directory / graph)
    return bundle(directory / "variables", "variables")
