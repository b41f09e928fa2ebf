"""The extra ``fast``: another reader and writer of JSON, and nothing that one could tell it by."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from itagflow import jsontext
from itagflow.jsontext import standard
from itagflow.model.entity import Entity
from itagflow.storage._sql.layout import LAYOUTS
from itagflow.testing.builders import make_one_of_each

fast = pytest.importorskip("itagflow.jsontext.fast", reason="the extra 'fast' is not installed")

texts = st.text(
    st.characters() | st.sampled_from('\0"\\/\n\u2028\ud800\udfff😀'), max_size=8
)  # halves of pairs too
numbers = st.integers() | st.integers(-(10**40), 10**40) | st.floats()
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
PIECES = [*'[]{},:"\\-0.e\t\0', "\\u", "d800", "null", "NaN", "1e400"]


def outcome(act: Callable[[Any], Any], given: Any) -> tuple[str, Any]:
    """What an act returns, with its types, or the error that it refuses with."""
    try:
        return "returns", repr(act(given))  # NaN equals itself, and 1 is not 1.0
    except (ValueError, TypeError, RecursionError) as error:
        return "refuses", (type(error), str(error))


def test_it_is_what_the_library_uses() -> None:
    assert jsontext.loads is fast.loads
    assert jsontext.dumps is fast.dumps


@given(values)
@example(2**64)
@example([1e16, 1e-7, 5e-324, -0.0])
@example([math.nan, None])
@example({"a": -math.inf})
@example({"\ud800": "\udfff"})
def test_it_writes_the_same_and_refuses_the_same(value: Any) -> None:
    wanted, found = outcome(standard.dumps, value), outcome(fast.dumps, value)
    if wanted != found:  # then only a number with an exponent is spelled differently
        assert (wanted[0], found[0]) == ("returns", "returns")
        assert re.search(r"\de[+-]\d", wanted[1])
        assert repr(json.loads(fast.dumps(value))) == repr(value)


@given(st.dictionaries(st.none() | st.booleans() | st.integers() | texts, texts))
def test_keys_that_are_no_strings_become_the_same_strings(value: dict[Any, Any]) -> None:
    assert outcome(fast.dumps, value) == outcome(standard.dumps, value)


@given(values, st.booleans())
@example("\ud800", True)
@example(10**5000, False)
def test_it_reads_the_same(value: Any, ascii: bool) -> None:
    try:
        text = json.dumps(value, ensure_ascii=ascii)  # with NaN and Infinity, as Python writes them
    except ValueError:
        text = "9" * 5_000
    assert outcome(fast.loads, text) == outcome(standard.loads, text)
    raw = text.encode(errors="surrogatepass")
    assert outcome(fast.loads, raw) == outcome(standard.loads, raw)


@given(
    values,
    st.lists(
        st.tuples(st.integers(0), st.integers(0, 3), st.sampled_from(PIECES) | texts), max_size=4
    ),
)
@example("", [(0, 2, "1e400")])
@example("", [(0, 2, "-0")])
@example("", [(0, 2, "01")])
@example("", [(0, 2, "[" * 100_000)])
@example("", [(0, 2, "\ufeff1")])
@example("", [(0, 2, '{"a":1,"a":2}')])
def test_it_reads_and_refuses_the_same_of_what_is_broken(
    value: Any, cuts: list[tuple[int, int, str]]
) -> None:
    text = json.dumps(value, ensure_ascii=False)
    for at, length, piece in cuts:
        start = at % (len(text) + 1)
        text = text[:start] + piece + text[start + length :]
    assert outcome(fast.loads, text) == outcome(standard.loads, text)
    raw = text.encode(errors="surrogatepass")
    assert outcome(fast.loads, raw) == outcome(standard.loads, raw)


@given(st.binary(max_size=30))
@example(b"\xef\xbb\xbf{}")
@example('{"a": 1}'.encode("utf-16"))
def test_bytes_that_are_no_text_are_refused_the_same(raw: bytes) -> None:
    assert outcome(fast.loads, raw) == outcome(standard.loads, raw)


def test_what_contains_itself_is_refused_the_same() -> None:
    ring: list[Any] = []
    ring.append(ring)
    assert outcome(fast.dumps, ring) == outcome(standard.dumps, ring)


@pytest.mark.parametrize("write", [standard.dumps, fast.dumps], ids=["standard", "fast"])
@pytest.mark.parametrize("read", [standard.loads, fast.loads], ids=["standard", "fast"])
@pytest.mark.parametrize("entity", make_one_of_each(), ids=lambda entity: type(entity).__name__)
def test_an_entity_survives_whoever_writes_and_reads(
    monkeypatch: pytest.MonkeyPatch, entity: Entity, write: Any, read: Any
) -> None:
    monkeypatch.setattr(jsontext, "dumps", write)
    monkeypatch.setattr(jsontext, "loads", read)
    layout = LAYOUTS[type(entity)]
    assert attrs.astuple(layout.entity(layout.row(entity)), recurse=False) == attrs.astuple(
        entity, recurse=False
    )
