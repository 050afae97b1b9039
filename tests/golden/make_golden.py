"""Write every golden fixture with real TensorFlow, and expected.json: what TensorFlow reads back.

Usage: python -m tests.golden.make_golden [FOLDER]   (default: this folder; README.md says more)
"""

import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = Path(__file__).resolve().parent
READER = "tests.golden.tensorflow_reader"

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import tensor_bundle_pb2
from tensorflow.core.util import saved_tensor_slice_pb2

from tests.golden import make_bundles, make_damaged, make_legacy, make_objects, make_slices
from tests.golden.cases import digest, digest_all, digest_of
from tests.golden.fixture import Fixture, cut
from tests.golden.table_file import read_table

Record = dict[str, Any]
Job = tuple[str, str, int, str]
RANK9 = "not read: TensorFlow aborts the process above rank 8"
ABORTED = "TensorFlow aborts the process"


def list_tensors(fixture: Fixture) -> dict[bytes, tuple[int, list[int]]]:
    """Return (dtype number, shape) by raw name, from the files' own listings.

    Raises:
        OSError, AssertionError: the files are damaged; they list nothing.
    """
    index = Path(f"{fixture.path}.index")
    if index.exists():
        entries = dict(read_table(index.read_bytes()))
        names = fixture.written or [key for key in entries if not key.startswith(b"\0") and key]
        parsed = {n: tensor_bundle_pb2.BundleEntryProto.FromString(entries[n]) for n in names}
        return {n: (e.dtype, [dim.size for dim in e.shape.dim]) for n, e in parsed.items()}
    found = {}
    folder, base = os.path.split(fixture.path)
    files = [file for file in Path(folder).iterdir() if fnmatch.fnmatchcase(file.name, base)]
    if not files:
        raise FileNotFoundError(fixture.path)
    for file in files:
        value = dict(read_table(file.read_bytes()))[b""]
        meta = saved_tensor_slice_pb2.SavedTensorSlices.FromString(value).meta
        for tensor in meta.tensor:
            found[tensor.name.encode()] = (tensor.type, [dim.size for dim in tensor.shape.dim])
    return found


def ask_tensorflow(jobs: list[Job]) -> list[Record]:
    """Return RestoreV2's answer to every job; a job that kills its process gets an error."""
    answers: list[Record] = []
    with tempfile.TemporaryDirectory() as folder:
        list_file = Path(folder, "jobs.json")
        list_file.write_text(json.dumps(jobs))
        while len(answers) < len(jobs):
            command = [sys.executable, "-m", READER, list_file, str(len(answers))]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
            answers += [json.loads(line) for line in done.stdout.splitlines()]
            if len(answers) < len(jobs):
                assert done.returncode < 0, f"the reader failed at job {jobs[len(answers)]}"
                dtype = tf.as_dtype(jobs[len(answers)][2]).name
                answers.append({"dtype": dtype, "error": ABORTED})
    return answers


def from_values(record: Record, array: Any) -> Record:
    """Return a record that TensorFlow could not complete, completed from the written values."""
    field = "sha256_len64le_prefixed" if record["dtype"] == "string" else "sha256"
    size = {} if record["dtype"] == "string" else {"nbytes": array.nbytes}
    return {**record, **size, field: digest(array), "oracle": "written values"}


def tensor_record(fixture: Fixture, name: bytes, shape: list[int], answer: Record) -> Record:
    """Return a tensor's record: TensorFlow's answer, checked against the values written."""
    array = fixture.written.get(name)
    record = {**answer, "shape": shape}
    if "error" in answer and array is not None and not fixture.damaged:
        return from_values(record, array)
    if "error" not in answer:
        assert answer["shape"] == shape, (fixture.id, name)
        if array is not None and not fixture.damaged:
            assert digest_of(answer) == digest(array), (fixture.id, name, "not what was written")
    return record


def slice_records(fixture: Fixture, name: bytes, answers: dict[str, Record]) -> list[Record]:
    """Return the records of a partitioned tensor's stored slices, in the order of saving."""
    records = []
    for spec in fixture.specs.get(name, []):
        record = {"spec": spec, **answers[spec]}
        array = fixture.written.get(name)
        if "error" in record and array is not None:
            part = cut(array, spec)
            record = from_values({**record, "shape": list(part.shape)}, part)
        records.append(record)
    return records


def plan(fixture: Fixture) -> tuple[dict[bytes, tuple[int, list[int]]], list[Job]]:
    """Return what a fixture lists, and the questions to ask TensorFlow about it."""
    try:
        listed = list_tensors(fixture)
    except (OSError, AssertionError):
        assert fixture.damaged, fixture.id
        return {}, [(fixture.path, b"global_step".hex(), tf.int64.as_datatype_enum, "")]
    jobs: list[Job] = []
    for name, (dtype, shape) in listed.items():
        extent = " ".join(map(str, shape))
        specs = ["", *(f"{extent} {spec}" for spec in fixture.specs.get(name, []))]
        if name not in fixture.never_read:
            jobs += [(fixture.path, name.hex(), dtype, spec) for spec in specs]
    return listed, jobs


def fixture_record(fixture: Fixture, answers: dict[Job, Record]) -> Record:
    """Return a fixture's record for expected.json."""
    record: Record = {"id": fixture.id, "path": fixture.path}
    for key in ("damaged", "note", "spellings"):
        if value := getattr(fixture, key):
            record[key] = value
    listed, jobs = plan(fixture)
    if not listed:
        return {**record, "error": answers[jobs[0]]["error"], "tensors": {}}
    record["format"] = "v2" if Path(f"{fixture.path}.index").exists() else "v1"
    tensors = {}
    for name, (dtype, shape) in sorted(listed.items()):
        unread = {"dtype": tf.as_dtype(dtype).name, "error": RANK9}
        extent = " ".join(map(str, shape))
        ask = lambda spec, n=name, d=dtype: answers.get((fixture.path, n.hex(), d, spec))  # noqa: E731
        tensor = tensor_record(fixture, name, shape, ask("") or unread)
        specs = fixture.specs.get(name, [])
        if specs:
            parts = {spec: ask(f"{extent} {spec}") or unread for spec in specs}
            tensor["slices"] = slice_records(fixture, name, parts)
        tensors[name.decode("utf-8", "surrogateescape")] = tensor
    if fixture.digest_only:
        record["count"] = len(tensors)
        digests = {name: tensor["sha256"] for name, tensor in tensors.items()}
        record["sha256_all"] = digest_all(digests)
        names = sorted(tensors)
        tensors = {name: tensors[name] for name in (*names[::997], names[-1])}
    return {**record, "tensors": tensors}


def main() -> None:
    """Make everything anew, below the folder given or this one."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else HERE).resolve()
    data = target / "data"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    os.chdir(data)  # prefixes are relative: no file and no message holds a path of this machine
    makers = (make_objects, make_bundles, make_slices, make_legacy, make_damaged)
    fixtures = [fixture for maker in makers for fixture in maker.make()]
    jobs = [job for fixture in fixtures for job in plan(fixture)[1]]
    answers = dict(zip(jobs, ask_tensorflow(jobs), strict=True))
    records = {fixture.id: fixture_record(fixture, answers) for fixture in fixtures}
    text = json.dumps(dict(sorted(records.items())), indent=1, sort_keys=True)
    (target / "expected.json").write_text(text + "\n")
    sizes = [file.stat().st_size for file in data.rglob("*") if file.is_file()]
    print(f"{len(fixtures)} fixtures, {len(sizes)} files, {sum(sizes):,} bytes; {len(jobs)} reads")
    print(f"made with TensorFlow {tf.__version__}, numpy {np.__version__}")


if __name__ == "__main__":
    main()
