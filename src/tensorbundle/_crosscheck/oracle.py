"""Process of TensorFlow, seen from ours: start, ask, notice its death, start again.

The other end of the pipes is `worker`, which also tells the protocol.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .._format.filenames import split_data_path
from ..errors import UnsupportedError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from .._locate.location import Location

_WORKER: Final = Path(__file__).with_name("worker.py")
_HINT: Final = "pip install tensorflow"
_QUIET: Final = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}
_LOG_HEAD: Final = re.compile(r"^(?:F\d{4} [\d:.]+ +\d+|[\d-]+ [\d:.]+: F) ")
_PATTERN_MARKS: Final = frozenset("*?[]\\")


class OracleFailure(Exception):
    """TensorFlow cannot do what was asked: it said so, ended, or did not answer in time."""


class Oracle:
    """TensorFlow in a process of its own, for one checkpoint. One thread only.

    Attributes:
        tensorflow_version: The version that answers.
        python_version: The version of Python that runs it.
        notes: Sentences for the user.
    """

    def __init__(
        self, location: Location, files: Sequence[str], python: str, timeout_s: float
    ) -> None:
        """Start TensorFlow.

        Args:
            location: The checkpoint.
            files: What `files_of` says of it.
            python: The Python that has TensorFlow.
            timeout_s: How long it may take to start, and to give each answer.

        Raises:
            UnsupportedError: That Python has no TensorFlow.
            OSError: It cannot be started.
        """
        self.notes: list[str] = []
        self._python = python
        self._timeout_s = timeout_s
        self._tainted = False  # whether TensorFlow has reported an error since it was started
        self._left = 0  # bytes of the last answer that are still in the pipe
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="tensorbundle-")
        self._kind = location.kind
        try:
            self._prefix = self._understood_prefix(location, files)
            self._start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process and remove what was made for it."""
        self._stop()
        self._folder.cleanup()

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request; return the answer, whose bytes must then be read or skipped.

        Raises:
            OracleFailure: TensorFlow cannot; the message is one line.
        """
        line = json.dumps(request).encode() + b"\n"
        if self._process is None:
            self._start()
        try:
            answer = self._exchange(line)
        except OracleFailure:
            if not self._tainted:
                raise
            # TensorFlow's reader may remember an error, and abort on a tensor that it can read.
            self._start()
            answer = self._exchange(line)
        if "error" in answer:
            self._tainted = True
            raise OracleFailure(answer["error"])
        return answer

    def read(self, nbytes: int) -> bytes:
        """Read so many of the bytes that follow the last answer."""
        data = self._answers.read(nbytes)
        if len(data) != nbytes:
            raise OracleFailure(self._post_mortem())
        self._left -= nbytes
        return data

    def skip(self) -> None:
        """Read past the bytes of the last answer."""
        while self._left:
            self.read(min(self._left, 1 << 20))

    def _understood_prefix(self, location: Location, files: Sequence[str]) -> str:
        """Prefix to give to TensorFlow: of links, where it would take the real one for another.

        It globs the path of a checkpoint (format.md §1.3), takes a directory for what its state
        file names, and knows a set of V1 shards only by a pattern.
        """
        prefix = os.path.abspath(location.prefix)
        if location.kind == "graph":
            return prefix
        if location.prefix.endswith(os.sep):
            prefix = os.path.join(prefix, "")
        misread = bool(_PATTERN_MARKS.intersection(prefix)) or os.path.isdir(prefix)
        if not misread and (location.kind == "v2" or [location.prefix] == list(files)):
            return prefix
        understood = link = os.path.join(self._folder.name, "model")
        if location.kind == "v2":
            suffixes = [file[len(location.prefix) :] for file in files]
        elif len(files) == 1:
            suffixes = [""]
        else:
            total = f"-of-{len(files):05d}"
            suffixes = [f"-{shard:05d}{total}" for shard in range(len(files))]
            understood = f"{link}-*{total}"
        for file, suffix in zip(files, suffixes, strict=True):
            os.symlink(os.path.abspath(file), link + suffix)
        if len(files) == 1 or location.kind == "v2":
            why = f"it would not take {location.prefix!r} for the name of this checkpoint"
            self.notes.append(f"tensorflow was given links to the files: {why}")
        return understood

    def _start(self) -> None:
        self._log = tempfile.TemporaryFile(dir=self._folder.name)  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [self._python, os.fspath(_WORKER), self._prefix, self._kind],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env={**os.environ, **_QUIET},
            )
        except BaseException:
            self._log.close()
            raise
        self._tainted = False
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        try:
            hello = self._exchange(b"")
        except OracleFailure as failure:
            hello = {"error": str(failure)}
        if "error" in hello:
            raise UnsupportedError(
                f"no tensorflow to compare with: {self._python} says {hello['error']!r}: {_HINT}"
            )
        self.tensorflow_version = str(hello["tensorflow"])
        self.python_version = str(hello["python"])

    def _exchange(self, request: bytes) -> dict[str, Any]:
        """Write a request and read one answer, within the time allowed."""
        assert self._process is not None
        process, expired = self._process, threading.Event()

        def expire() -> None:
            expired.set()
            process.kill()

        timer = threading.Timer(self._timeout_s, expire)
        timer.start()
        try:
            self._requests.write(request)
            self._requests.flush()
            line = self._answers.readline()
        except BrokenPipeError:
            line = b""
        finally:
            timer.cancel()
        if not line.endswith(b"\n"):
            death = self._post_mortem()
            raise OracleFailure(
                f"no answer within {self._timeout_s:g} s" if expired.is_set() else death
            )
        answer: dict[str, Any] = json.loads(line)
        self._left = answer.get("nbytes", 0)
        return answer

    def _post_mortem(self) -> str:
        """Why the process ended, by its status and the last that it wrote; then put it away."""
        assert self._process is not None
        status = self._process.wait()
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").splitlines()
        fatal = [line for line in lines if _LOG_HEAD.match(line)]
        last = next((line for line in reversed(fatal or lines) if line.strip()), "")
        self._stop()
        how = f"signal {-status}" if status < 0 else f"status {status}"
        return f"the process ended with {how}: {_LOG_HEAD.sub('', last).strip()[:500]}"

    def _stop(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        with contextlib.suppress(BrokenPipeError):  # a request that it did not live to read
            self._requests.close()
        self._answers.close()
        self._process.wait()
        self._log.close()
        self._process, self._left = None, 0


def files_of(location: Location, num_shards: int) -> list[str]:
    """Files of a checkpoint that are there: the index and the data shards, or the tables.

    The directory is listed, for the number of shards comes from the file and may be any.
    """
    if location.index is None:
        return list(location.files)
    directory, base = os.path.split(location.prefix)
    total = f"-of-{num_shards:05d}"
    shards = [
        location.prefix + name[len(base) :]
        for name in sorted(os.listdir(directory or os.curdir))
        if name.endswith(total) and split_data_path(name) == base
    ]
    return [location.index, *shards]
