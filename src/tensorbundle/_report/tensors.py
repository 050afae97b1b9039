"""Tensors of a checkpoint, as columns of the page's table.

Columns are lists, one value a tensor; words that come again are written once. Numbers have few
digits: fifty thousand tensors are to fit a page that is mailed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from .._format import dtypes
from .._look.scopes import fold
from .._objects.graph import GRAPH_KEY
from .._objects.slots import find_slots
from .._printable import printable
from .._progress import Meter
from ..errors import TensorBundleError
from .distribution import Magnitudes, describe, histogram, is_number, levels

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._format.dtypes import Array
    from .._format.tensor_info import TensorInfo
    from .._objects.graph import ObjectGraph

_DIGITS: Final = 4
_LONGEST: Final = 1000  # characters of a name
_MANY: Final = 20_000  # tensors of which coarser numbers are told


def facts_of(infos: Sequence[TensorInfo], objects: ObjectGraph | None) -> dict[str, Any]:
    """Columns that are known without reading a tensor."""
    names = [info.name for info in infos]
    place = {name: number for number, name in enumerate(names)}
    owners = _owners(infos, objects)
    paths = {
        number: path
        for number, name in enumerate(names)
        if objects is not None and (path := objects.path_of(name)) is not None and path != name
    }
    shown = [printable(name, _LONGEST) for name in names]
    return {
        "name": shown,
        "code": {
            number: code
            for number, name in enumerate(names)
            if (code := ascii(name)) != f"'{shown[number]}'"
        },
        "path": {number: printable(path, _LONGEST) for number, path in paths.items()},
        "layer": words(
            fold(printable(paths.get(number, name), _LONGEST)) for number, name in enumerate(names)
        ),
        "dtype": words(info.tf_dtype for info in infos),
        "shape": words("×".join(map(str, info.shape)) for info in infos),
        "size": [info.size for info in infos],
        "nbytes": [info.nbytes for info in infos],
        "shard": [info.shard for info in infos],
        "offset": [info.offset for info in infos],
        "crc32c": [info.crc32c for info in infos],
        "slices": {n: len(info.slices) for n, info in enumerate(infos) if info.slices},
        # The variable that a slot is of; itself, of other things that only optimizers need.
        "owner": {place[name]: place.get(owner, place[name]) for name, owner in owners.items()},
    }


def _owners(infos: Sequence[TensorInfo], objects: ObjectGraph | None) -> Mapping[str, str]:
    """What only optimizers need, and the variable that each is of; empty where it is of none."""
    by_name = {info.name: info for info in infos}
    if objects is None:
        found = find_slots(by_name)
        owners = {name: slot.variable for name, slot in found.slots.items()}
        return {**dict.fromkeys(found.others, ""), **owners}
    from .._objects.edit import without
    from .._objects.optimizers import kept_below, optimizers, shadow_keys

    roots = optimizers(objects, by_name)
    only = kept_below(objects, roots)
    _, kept = without(objects, roots - only.keys(), only)
    names = {each.key: each.full_name for node in objects.nodes for each in node.attributes}
    # Keras 3 calls an optimizer's variable after the one that it is for.
    stems = {name.replace("/", "_"): key for name, key in objects.full_names.items() if key in kept}
    owners = {
        key: stems.get(name.partition("/")[2].rpartition("_")[0], "")
        for key, name in names.items()
        if key not in kept
    }
    owners |= {key: each.key for each in objects.variables for key in each.slots.values()}
    owners |= {key: variable for variable, key in shadow_keys(objects).items()}
    return {key: owner for key, owner in owners.items() if key in by_name}


class Values:
    """Columns that are made of values; each tensor is read once, and its checksum checked.

    Attributes:
        columns: The columns.
        whole: Counts of all tensors together.
        unread: Why tensors could not be read, by their number.
    """

    def __init__(self, count: int) -> None:
        # What a page of many is to weigh, it has of numbers that nobody can guess.
        self._digits, self._steps = (_DIGITS, 63) if count < _MANY else (_DIGITS - 1, 15)
        self.columns: dict[str, list[Any]] = {
            key: []
            for key in ("min", "max", "mean", "std", "quantiles", "zeros", "nan", "inf", "bins")
        }
        self.whole = Magnitudes()
        self.unread: dict[int, str] = {}

    def read(
        self,
        ckpt: Checkpoint,
        infos: Sequence[TensorInfo],
        meter: Meter,
    ) -> None:
        """Read tensors, in the order of the table."""
        for number, info in enumerate(infos):
            self._add(number, array_of(ckpt, info, self.unread, number))
            meter.add(info.nbytes)

    def _add(self, number: int, array: Array | None) -> None:
        row: dict[str, Any] = dict.fromkeys(self.columns)
        if array is not None and array.size and is_number(array):
            flat = array.reshape(-1)
            found = describe(flat)
            each = found.statistics
            self.whole.add(flat, each)
            row |= {"zeros": each.zeros, "nan": each.nan, "inf": each.inf}
            if each.min is not None and each.max is not None:
                numbers = {key: getattr(each, key) for key in ("min", "max", "mean", "std")}
                row |= {key: short(value, self._digits) for key, value in numbers.items()}
                row["quantiles"] = [short(value, self._digits) for value in found.quantiles]
                counts = histogram(flat, float(each.min), float(each.max))
                row["bins"] = levels(counts, self._steps)
        for key, value in row.items():
            self.columns[key].append(value)


def array_of(
    ckpt: Checkpoint, info: TensorInfo, unread: dict[int, str], number: int
) -> Array | None:
    """Read a tensor of numbers; why one cannot be read is put down."""
    if info.name == GRAPH_KEY or info.data_type == dtypes.STRING or info.obstacle is not None:
        return None
    try:
        return ckpt[info.name]
    except (TensorBundleError, OSError, MemoryError) as error:
        unread[number] = printable(str(error))
        return None


def words(values: Iterable[str]) -> dict[str, list[Any]]:
    """Write each word once: the words, and for each place the number of its word."""
    numbers: dict[str, int] = {}
    places = [numbers.setdefault(value, len(numbers)) for value in values]
    return {"words": list(numbers), "places": places}


def short(value: float | None, digits: int = _DIGITS) -> float | None:
    """Round a number to few digits; JSON has none that are not finite."""
    if value is None or not math.isfinite(value):
        return None
    if isinstance(value, int) and abs(value) < 1 << 53:
        return int(value)  # of what is true or false, too
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e6 else rounded
