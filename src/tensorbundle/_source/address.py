"""Addresses of far files: taken apart, shown without secrets, and carried with their store."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final

_FAR: Final = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+)://")
_LOCAL_SCHEMES: Final = frozenset({"file"})
# Options that name places and manners, and nothing that has to be kept secret.
OPEN_OPTIONS: Final = frozenset(
    {
        "account_name",
        "allow_http",
        "anon",
        "azure_storage_account_name",
        "connect_timeout",
        "endpoint",
        "endpoint_url",
        "region",
        "region_name",
        "request_payer",
        "skip_signature",
        "timeout",
        "use_emulator",
        "virtual_hosted_style_request",
    }
)


def is_far(path: object) -> bool:
    """Whether a path is the address of something that is not on this machine's file systems."""
    if isinstance(path, Address):
        return True
    if not isinstance(path, (str, bytes, os.PathLike)):
        return False
    found = _FAR.match(os.fsdecode(path))
    return found is not None and found[1].lower() not in _LOCAL_SCHEMES


class Address(os.PathLike[str]):
    """Address of a far file, directory or checkpoint, with what opens its store.

    Accepted wherever a path is. A plain ``"s3://bucket/key"`` means the same with credentials from
    the environment.

    Args:
        url: ``s3://``, ``gs://``, ``az://``, ``http(s)://`` or what fsspec knows; with ``store``,
            the path inside of it.
        storage_options: Options of the store by name: obstore's (``region``, ``endpoint``,
            ``skip_signature``, ``access_key_id`` …) or fsspec's (``endpoint_url``, ``anon``,
            ``key``, ``secret`` …).
        store: An opened store: an obstore ``ObjectStore`` or an fsspec ``AbstractFileSystem``.
        cache: Whether indexes are kept on disk; a path says in which directory.

    Raises:
        ValueError: The address holds a user, a password, a query, or ``..``.

    Example:
        >>> import tensorbundle as tb
        >>> tb.Address("s3://bucket/run/model.ckpt-7", storage_options={"region": "eu-west-1"})
        Address('s3://bucket/run/model.ckpt-7', options: region)
    """

    __slots__ = ("cache", "options", "scheme", "store", "url")

    def __init__(
        self,
        url: str | os.PathLike[str],
        *,
        storage_options: Mapping[str, Any] | None = None,
        store: Any = None,
        cache: bool | str | os.PathLike[str] = True,
    ) -> None:
        text = os.fspath(url)
        found = _FAR.match(text)
        if store is not None and found is None:
            text = f"store://{type(store).__name__.lower()}/{text.lstrip('/')}"
            found = _FAR.match(text)
        if found is None:
            raise ValueError(f"not an address: {text!r} does not begin with a scheme such as s3://")
        self.scheme = found[1].lower()
        rest = text[found.end() :]
        _refuse_secrets(self.scheme, rest)
        self.url = f"{self.scheme}://{rest}"
        self.options = dict(storage_options or {})
        self.store = store
        self.cache = cache

    @classmethod
    def of(cls, path: str | os.PathLike[str] | bytes) -> Address:
        """Address that a path is."""
        return path if isinstance(path, Address) else cls(os.fsdecode(path))

    @property
    def root(self) -> str:
        """Root: the scheme, and the bucket, container or server; what one store serves."""
        return f"{self.scheme}://{self.place}"

    @property
    def place(self) -> str:
        """Name of the bucket, container or server."""
        return self.url[len(self.scheme) + 3 :].partition("/")[0]

    @property
    def key(self) -> str:
        """Key: the path inside of the store."""
        return self.url[len(self.scheme) + 3 :].partition("/")[2]

    def at(self, key: str) -> Address:
        """Address of another key of the same store."""
        other = Address.__new__(Address)
        other.scheme, other.options, other.store = self.scheme, self.options, self.store
        other.cache, other.url = self.cache, f"{self.root}/{key}"
        return other

    def __fspath__(self) -> str:
        return self.url

    def __str__(self) -> str:
        return self.url

    def __repr__(self) -> str:
        named = f", options: {', '.join(sorted(self.options))}" if self.options else ""
        return f"Address({self.url!r}{named})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and self.url == other.url

    def __hash__(self) -> int:
        return hash(self.url)

    def __reduce__(self) -> tuple[Any, ...]:
        """What may leave this process: where it is, never what opens it.

        Raises:
            TypeError: Only with the store or the credentials that it carries would it be of use.
        """
        secret = sorted(self.options.keys() - OPEN_OPTIONS)
        if self.store is not None or secret:
            carried = "a store" if self.store is not None else f"options {', '.join(secret)}"
            raise TypeError(
                f"{self.url!r} carries {carried}, and credentials do not leave this process: give "
                "workers their own, by their environment"
            )
        return (_remade, (self.url, self.options, self.cache))


def _remade(url: str, options: dict[str, Any], cache: Any) -> Address:
    return Address(url, storage_options=options, cache=cache)


def _refuse_secrets(scheme: str, rest: str) -> None:
    """Refuse what would be told in messages; the message has none of it."""
    place, _, key = rest.partition("/")
    shown = f"{scheme}://{place.rpartition('@')[2]}"
    user = place.rpartition("@")[0]
    if user and not (scheme in ("abfs", "abfss") and ":" not in user):
        raise ValueError(f"an address with a user or password in it: {shown}: use options for them")
    if scheme in ("http", "https") and any(mark in rest for mark in "?#"):
        raise ValueError(f"an address with a query, which may hold a signature: {shown}")
    if not place:
        raise ValueError(f"an address without a bucket or server: {scheme}://")
    if ".." in key.split("/"):
        raise ValueError(f"an address with '..' in it: {shown}")
