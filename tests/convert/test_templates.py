"""Templates of names: what they match, and that what they match is what they fill in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tensorbundle as tb
from tensorbundle._convert.templates import Template, pair

SIDES = ("/", ".")


def renamed(first: str, second: str, name: str) -> str | None:
    """The name on the second side; it leads back, or there is none."""
    here, there = pair((first, second), SIDES)
    values = here.match(name)
    if values is None:
        return None
    made = there.fill(values)
    back = there.match(made)
    assert back is not None
    assert here.fill(back) == name
    return made


@pytest.mark.parametrize(
    ("first", "second", "name", "expected"),
    [
        ("step", "num_steps", "step", "num_steps"),
        ("h{n:int}/w", "blk.{n}.weight", "h12/w", "blk.12.weight"),
        ("h{n}/w", "blk.{n:int}.weight", "h12/w", "blk.12.weight"),
        ("h{n:int}/w", "blk.{n}.weight", "h012/w", None),
        ("b_{n:int03}/w", "b.{n}.w", "b_007/w", "b.7.w"),
        ("b_{n:int03}/w", "b.{n}.w", "b_7/w", None),
        ("b_{n:int03}/w", "b.{n}.w", "b_1234/w", "b.1234.w"),
        ("c{n:int}_d/w", "layer.{n*2-2}.w", "c3_d/w", "layer.4.w"),
        ("c{n:int}_d/w", "layer.{n-1}.w", "c1_d/w", "layer.0.w"),
        ("{p:path}/kernel", "{p}.weight", "a/b/c/kernel", "a.b.c.weight"),
        ("{p:rest}/kernel", "{p}.weight", "a/b/kernel", "a/b.weight"),
        ("{x}/kernel", "{x}.weight", "a/b/kernel", None),
        ("n/{w:gamma=weight|beta=bias}", "m.{w}", "n/beta", "m.bias"),
        ("n/{w}", "m.{w:weight=gamma|bias=beta}", "n/beta", "m.bias"),
        ("n/{w:gamma=weight|beta=bias}", "m.{w}", "n/alpha", None),
        ("n/{x:wte|wpe}", "m.{x}.weight", "n/wpe", "m.wpe.weight"),
        ("a.b/{x:q|qk}(+)", "c.{x}", "a.b/qk(+)", "c.qk"),
        ("{x}/{y}", "{y}.{x}", "a/b", "b.a"),
        ("{x}/again/{x}", "{x}", "a/again/a", "a"),
        ("{x}/again/{x}", "{x}", "a/again/b", None),
    ],
)
def test_names_are_matched_and_filled_in(
    first: str, second: str, name: str, expected: str | None
) -> None:
    assert renamed(first, second, name) == expected


def test_a_number_reckoned_from_another_has_to_be_whole() -> None:
    _, there = pair(("c{n:int}/w", "layer.{n*2-2}.w"), SIDES)
    assert there.match("layer.4.w") == {"n": 3}
    assert there.match("layer.5.w") is None


@given(
    st.lists(st.from_regex(r"[a-z_]{1,6}", fullmatch=True), min_size=1, max_size=4),
    st.integers(0, 10**6),
    st.sampled_from(["gamma", "beta"]),
)
def test_every_name_leads_back(scopes: list[str], number: int, word: str) -> None:
    name = f"{'/'.join(scopes)}/layer_{number}/{word}"
    made = renamed("{p:path}/layer_{n:int}/{w:gamma=g|beta=b}", "{p}.{n*3+1}.{w}", name)
    assert made == f"{'.'.join(scopes)}.{number * 3 + 1}.{word[0]}"


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("a/{n:ints}", "b.{n}", "no kind of placeholder: {n:ints} in 'a/{n:ints}': expected int"),
        ("a/{1}", "b", "no placeholder: {1} in 'a/{1}'"),
        ("a/{n", "b", "a brace without its other in 'a/{n'"),
        ("a/{n:int}", "b.{n:int}", "'n' is described on both sides"),
        ("a/{w:x=y|x=z}", "b.{w}", "not one to one"),
        ("a/{w:x=y|z=y}", "b.{w}", "not one to one"),
        ("a/{n:path}", "b.{n*2:path}", "only numbers are reckoned with"),
        ("a/{n:int}", "b.{n*0}", "only numbers are reckoned with"),
    ],
)
def test_what_is_no_template_is_told(first: str, second: str, message: str) -> None:
    import re

    with pytest.raises(tb.ConversionError, match=re.escape(message)):
        pair((first, second), SIDES)


def test_the_template_that_says_most_of_a_name_is_the_most_exact() -> None:
    name = "h.0.ln_1.weight"
    exact, loose = (
        Template(text, ".").exactness(name)
        for text in ("h.{n:int}.ln_{m:int}.{w:weight|bias}", "h.{n:int}.{p:path}.weight")
    )
    assert exact > loose
