"""Servers on loopback for tests: S3 by SeaweedFS, GCS by fake-gcs-server, plain HTTP by Python.

Each picks free ports, is waited for, prints its log when it does not come up, and ends with the
context that started it.
"""

import contextlib
import functools
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

KEY, SECRET = "testkey", "planted-secret-of-the-test"
_WAIT_S = 90


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens at; SeaweedFS also takes those 10,000 above."""
    found: list[int] = []
    with contextlib.ExitStack() as stack:
        while len(found) < count:
            one = stack.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            if port > 50_000:
                continue
            with contextlib.suppress(OSError):
                above = stack.enter_context(socket.socket())
                above.bind(("127.0.0.1", port + 10_000))
                found.append(port)
    return found


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.2)
    raise RuntimeError(f"no answer from {url}; its log ends:\n{log.read_text()[-3000:]}")


@contextlib.contextmanager
def running(arguments: list[str], url: str, log: Path) -> Iterator[None]:
    """A server process, once it answers."""
    with open(log, "wb") as out:
        process = subprocess.Popen(arguments, stdout=out, stderr=subprocess.STDOUT)
    try:
        wait_for(url, process, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def program(name: str) -> str:
    """A server's program, which its wheel has put beside the interpreter or into itself."""
    import sys

    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is not installed: pip install -e '.[servers]'")
    return found


def make_bucket(options: dict[str, Any], name: str) -> None:
    """Make a bucket of a server, which obstore has no request for."""
    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials

    url = f"{options['endpoint_url']}/{name}"
    request = botocore.awsrequest.AWSRequest("PUT", url, data=b"")
    credentials = botocore.credentials.Credentials(KEY, SECRET)
    botocore.auth.S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(request)
    prepared = request.prepare()
    sent = urllib.request.Request(
        prepared.url, data=b"", headers=dict(prepared.headers), method="PUT"
    )
    urllib.request.urlopen(sent, timeout=30).close()


@contextlib.contextmanager
def seaweedfs(directory: Path) -> Iterator[dict[str, object]]:
    """An S3 server that checks signatures; options that open its buckets."""
    master, volume, filer, s3 = free_ports(4)
    identities = [
        {
            "name": "t",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        },
        {"name": "anonymous", "actions": ["Read:public", "List:public"]},
    ]
    config = directory / "s3.json"
    config.write_text(json.dumps({"identities": identities}))
    (directory / "weed").mkdir()
    arguments = [
        program("weed"),
        "server",
        f"-dir={directory / 'weed'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-master.port={master}",
        f"-volume.port={volume}",
        "-filer",
        f"-filer.port={filer}",
        "-s3",
        f"-s3.port={s3}",
        f"-s3.config={config}",
        "-volume.max=50",
        "-master.volumeSizeLimitMB=512",
    ]
    endpoint = f"http://127.0.0.1:{s3}"
    with running(arguments, f"{endpoint}/healthz", directory / "weed.log"):
        yield {
            "endpoint_url": endpoint,
            "region": "us-east-1",
            "key": KEY,
            "secret": SECRET,
            "virtual_hosted_style_request": False,
        }


@contextlib.contextmanager
def fake_gcs(directory: Path) -> Iterator[dict[str, object]]:
    """A GCS server without credentials; options that open its buckets."""
    (port,) = free_ports(1)
    found = next(
        path
        for folder in map(Path, __import__("site").getsitepackages())
        for path in folder.glob("fake_gcs_server*/**/fake-gcs-server*")
        if os.access(path, os.X_OK) and path.is_file()
    )
    root = f"http://127.0.0.1:{port}"
    arguments = [
        str(found),
        *("-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory"),
        *("-public-host", f"127.0.0.1:{port}", "-external-url", root),
    ]
    with running(arguments, f"{root}/storage/v1/b", directory / "gcs.log"):
        account = {
            "gcs_base_url": root,
            "disable_oauth": True,
            "client_email": "",
            "private_key": "",
            "private_key_id": "",
        }
        yield {"service_account_key": json.dumps(account), "allow_http": True, "root": root}


class _Ranges(http.server.SimpleHTTPRequestHandler):
    """Files with ranges and ETags, which the handler of the standard library does not have."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        etag = f'"{len(data):x}-{path.stat().st_mtime_ns:x}"'
        if self.headers.get("If-None-Match") == etag:
            self.send_response(304)
            self.send_header("ETag", etag)
            self.end_headers()
            return
        if self.headers.get("If-Match") not in (None, etag):
            self.send_error(412)
            return
        start, stop = 0, len(data)
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range") or "")
        if wanted and wanted[1]:
            start, stop = int(wanted[1]), min(stop, int(wanted[2]) + 1 if wanted[2] else stop)
        elif wanted:
            start = max(0, len(data) - int(wanted[2]))
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
        self.send_header("ETag", etag)
        self.send_header("Last-Modified", self.date_time_string(path.stat().st_mtime))
        self.send_header("Content-Length", str(stop - start))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[start:stop])

    do_HEAD = do_GET


@contextlib.contextmanager
def web(directory: Path) -> Iterator[str]:
    """A web server of a directory; its address."""
    handler = functools.partial(_Ranges, directory=str(directory))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def dask_client(workers: int, threads: int) -> Iterator[Any]:
    """A client of Dask whose workers are processes; the environment is as it was afterwards."""
    import distributed

    before = dict(os.environ)  # nannies set variables for their workers here
    try:
        with (
            distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=threads,
                host="127.0.0.1",
                dashboard_address=None,
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
    finally:
        os.environ.clear()
        os.environ.update(before)
