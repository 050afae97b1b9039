"""Options for stores: what addresses are opened with, of every command."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from ..grammar.help import StoreOption

# What addresses are opened with is loaded where one is: most commands meet none.
F = TypeVar("F", bound=Callable[..., Any])


def _set(ctx: click.Context, name: str, value: str) -> None:
    """Set a variable of the environment for as long as the command runs."""
    before = os.environ.get(name)
    os.environ[name] = value

    def put_back() -> None:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before

    ctx.call_on_close(put_back)


def _add(ctx: click.Context, options: dict[str, Any]) -> None:
    from ..._source.connect import OPTIONS_VARIABLE, options_of_environment

    _set(ctx, OPTIONS_VARIABLE, json.dumps({**options_of_environment(), **options}))


def _add_option(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value and param.name:
        _add(ctx, {param.name: value})


def _add_pairs(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> None:
    for pair in value:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise click.BadParameter("expected NAME=VALUE", ctx, param)  # the value may be secret
        _add(ctx, {name: text})


def _no_cache(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        from ..._source.cache import CACHE_VARIABLE

        _set(ctx, CACHE_VARIABLE, "off")


def far_options(command: F) -> F:
    """Accept the options of stores, which addresses are opened with."""
    hidden = functools.partial(click.option, cls=StoreOption, expose_value=False, hidden=True)
    for name, note in (
        ("--endpoint-url", "The server of an S3-compatible store."),
        ("--region", "The region of the store."),
    ):
        command = hidden(name, metavar="TEXT", callback=_add_option, help=note)(command)
    command = hidden(
        "--anonymous", "skip_signature", is_flag=True, callback=_add_option, help="No credentials."
    )(command)
    command = hidden(
        "--storage-option",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_add_pairs,
        help="An option of the store.",
    )(command)
    return hidden("--no-cache", is_flag=True, callback=_no_cache, help="Keep no index.")(command)
