"""Properties that are decoded when first asked for, with errors that name the file."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import TensorBundleError

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")


class located(cached_property[T]):  # a decorator, named like the one it extends
    """`cached_property` of an object whose ``path`` is the file that it was read from."""

    if not TYPE_CHECKING:

        def __get__(self, instance: Any, owner: Any = None) -> T | Self:
            try:
                return super().__get__(instance, owner)
            except TensorBundleError as error:
                raise error.add_context(path=instance.path or None) from None
