"""Connections: from an address to its store, and the options that stores take."""

from __future__ import annotations

import datetime
import importlib.util
import json
import os
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from ..errors import UnsupportedError
from .address import OPEN_OPTIONS, Address
from .client import Client
from .store import Store

OPTIONS_VARIABLE: Final = "TENSORBUNDLE_STORAGE_OPTIONS"
# What fsspec calls an option, by what obstore calls it.
_SPELLINGS: Final = {
    "anon": "skip_signature",
    "endpoint_url": "endpoint",
    "key": "access_key_id",
    "region_name": "region",
    "secret": "secret_access_key",
    "token": "session_token",
}
_OBJECT_SCHEMES: Final = frozenset(
    {"s3", "s3a", "gs", "gcs", "az", "azure", "abfs", "abfss", "http", "https"}
)
_OF_CLIENT: Final = frozenset({"allow_http", "timeout", "connect_timeout"})
_CLIENT: Final = {"timeout": "120s", "connect_timeout": "15s"}
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def connect(address: Address) -> Client:
    """Open the store of an address; no request is sent yet.

    Raises:
        UnsupportedError: Nothing installed serves such addresses; the message says what would.
        ValueError: Options that the store does not know, or that contradict each other.
    """
    options = {**options_of_environment(), **address.options}
    secrets = [str(value) for name, value in options.items() if name not in OPEN_OPTIONS]
    return Client(_store(address), address.root, secrets)


def options_of_environment() -> dict[str, Any]:
    """Options that hold for every address: those of TENSORBUNDLE_STORAGE_OPTIONS, as JSON.

    Raises:
        ValueError: It is no JSON object.
    """
    text = os.environ.get(OPTIONS_VARIABLE)
    if not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ValueError(f"{OPTIONS_VARIABLE} is no JSON object of options by name")
    return found


def _store(address: Address) -> Store:
    if isinstance(address.store, Store):
        return address.store
    if address.store is not None:
        return adapted(address.store)
    if address.scheme in _OBJECT_SCHEMES and importlib.util.find_spec("obstore") is not None:
        return _object_store(address)
    return _file_system(address)


def adapted(store: Any) -> Store:
    """Adapt a store that somebody else has opened: obstore's or fsspec's.

    Raises:
        TypeError: It is neither.
    """
    if hasattr(store, "cat_file") and hasattr(store, "info"):
        from .filesystems import FileSystem

        return FileSystem(store)
    if type(store).__module__.partition(".")[0] == "obstore":
        from .objects import ObjectStore

        return ObjectStore(store)
    raise TypeError(
        "a store is an obstore ObjectStore or an fsspec AbstractFileSystem, "
        f"not {type(store).__name__}"
    )


def _object_store(address: Address) -> Store:
    from obstore import exceptions
    from obstore import store as stores

    from .objects import ObjectStore, first_line

    config, client = _options(address)
    retries: Any = {"max_retries": 3, "retry_timeout": datetime.timedelta(seconds=60)}
    kinds: Mapping[str, Any] = {
        "s3": stores.S3Store,
        "s3a": stores.S3Store,
        "gs": stores.GCSStore,
        "gcs": stores.GCSStore,
    }
    try:
        if address.scheme in ("http", "https"):
            client.setdefault("allow_http", address.scheme == "http" and not config)
            made: Any = stores.HTTPStore.from_url(
                address.root, client_options=client, retry_config=retries, **config
            )
        elif address.scheme in kinds:
            if address.scheme.startswith("s3") and "endpoint" in config:
                # Servers at an address of their own seldom have a name for each bucket.
                config.setdefault("virtual_hosted_style_request", False)
                config.setdefault("region", "us-east-1")
            made = kinds[address.scheme](
                address.place, client_options=client, retry_config=retries, **config
            )
        else:
            container, _, host = address.place.partition("@")
            if host:
                config.setdefault("account_name", host.partition(".")[0])
            made = stores.AzureStore(
                container, client_options=client, retry_config=retries, **config
            )
    except exceptions.BaseError as error:
        raise ValueError(f"cannot open the store {address.root}: {first_line(error)}") from None
    return ObjectStore(made)


def _options(address: Address) -> tuple[dict[str, Any], Any]:
    """Options of the store, and of the HTTP client below it."""
    options = {**options_of_environment(), **address.options}
    given = {_SPELLINGS.get(name, name): value for name, value in options.items()}
    client: dict[str, Any] = dict(_CLIENT)
    client.update({name: given.pop(name) for name in _OF_CLIENT & given.keys()})
    endpoint = urlsplit(str(given.get("endpoint", "")))
    if endpoint.scheme == "http" and "allow_http" not in client:
        if endpoint.hostname not in _LOOPBACK and not given.get("skip_signature"):
            raise ValueError(
                f"credentials over plain HTTP to {endpoint.hostname}: anybody on the way could "
                "read what is sent; say allow_http=true if that is meant"
            )
        client["allow_http"] = True
    return given, client


def _file_system(address: Address) -> Store:
    if importlib.util.find_spec("fsspec") is None:
        raise UnsupportedError(
            f"addresses {address.scheme}:// are read by a library that is not installed: "
            "pip install 'tensorbundle[remote]'",
            path=address.url,
        )
    import fsspec

    from .filesystems import FileSystem

    try:
        kind = fsspec.get_filesystem_class(address.scheme)
        made = kind(**options_of_environment(), **address.options)
    except (ImportError, ValueError) as error:
        raise UnsupportedError(
            f"addresses {address.scheme}:// cannot be read here: {error}", path=address.url
        ) from None
    # Paths of a file system begin with the bucket, where there is one.
    return FileSystem(made, f"{address.place}/")
