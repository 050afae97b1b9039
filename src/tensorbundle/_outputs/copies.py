"""Networks applied twice with the same variables: once to be trained, once to be used."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from . import words
from .candidates import Network

_GRADIENT: Final = re.compile(r"(?:^|/)gradients(?:_\d+)?/(.+?)_grad(?:_\d+)?/")


def copies_to_use(network: Network, layers: Iterable[int]) -> frozenset[int]:
    """Of layers that share their variables, those that no optimizer goes back through.

    Where one application of a layer has gradients and another one has none, the author made the
    second for use: a generator's sampler, a test network, a decoder of given codes.

    Args:
        network: The network.
        layers: The layers to compare.

    Returns:
        The layers to be used; none where all applications are trained, or none is.
    """
    trained = _trained(network)
    applied: dict[frozenset[int], list[int]] = {}
    for place in dict.fromkeys(layers):
        shared = network.roles.variables_of(place)
        if shared:
            applied.setdefault(shared, []).append(place)
    return frozenset(
        place
        for places in applied.values()
        if any(each in trained for each in places)
        for place in places
        if place not in trained
    )


def _trained(network: Network) -> frozenset[int]:
    """Nodes of which there is a gradient: TensorFlow names its scope after them."""
    graph, roles = network.graph, network.roles
    scopes = {
        name.rpartition("/")[0]
        for name, excluded in zip(graph.names, roles.excluded, strict=True)
        if excluded and "gradients" in name
    }
    found: set[int] = set()
    for scope in scopes:
        match = _GRADIENT.search(scope[: words.LONG * 4] + "/")
        if match and (place := graph.index.get(match[1])) is not None:
            found.add(place)
    return frozenset(found)
