"""Regular expressions from templates: they say what Python's say, and none can hang the process."""

from __future__ import annotations

import re

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from support.amounts import amount

from itagflow import InvalidData
from itagflow.model.pattern import MAX_STEPS, Pattern

atoms = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", "[|&b]", r"[\\[\]-]", r"\d", r"\w", r"\.", "^", "$", "1"]
)
counts = st.sampled_from(["", "", "*", "+", "?", "{2}", "{0,2}", "{1,}", "*?"])
patterns = st.recursive(
    st.tuples(atoms, counts).map(lambda pair: pair[0] if pair[0] in "^$" else "".join(pair)),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map("".join)
        | st.lists(inner, min_size=2, max_size=3).map("|".join)
        | st.tuples(inner, counts).map(lambda pair: f"({pair[0]}){pair[1]}")
        | inner.map("(?:{})".format)
    ),
    max_leaves=6,
)


# each takes a thousandth of a second, and most of what can go wrong is in two or three characters
@settings(max_examples=amount(150, 6_000), deadline=None)
@given(patterns, st.text("ab1.\n", max_size=6))
def test_it_matches_what_python_matches(pattern: str, text: str) -> None:
    # `$` is the end here; Python's also stands before a last line break, `\Z` does not
    expected = re.fullmatch(pattern.replace("$", r"\Z"), text) is not None
    assert Pattern(pattern).matches(text) == expected


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(a*)*b", "(.*a){20}", "(a?){50}a{50}"])
def test_none_runs_away(pattern: str) -> None:
    assert not Pattern(pattern).matches("a" * 5_000 + "c")


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"(a)\1", "character 4: is an escape"),
        ("(?=a)", "a kind of group"),
        ("(a", "lacks a '\\)'"),
        ("a)", "has no '\\('"),
        ("[a", "needs its ']'"),
        ("*a", "nothing before"),
        ("a**", "repeats a repeat"),
        ("a{3,2}", "can be repeated"),
        ("(a{1000}){1000}", f"more than {MAX_STEPS} steps"),
        ("a{99999999999}", "can be repeated"),
        ("[a--b]", "has '--' in a class"),
        ("[z-a]", "bad character range"),
        ("(" * 5_000, "deep"),
        ("\\", "an escape"),
        ("a*?{2}", "repeats a repeat"),
        ("a{2}{3}", "repeats a repeat"),
        ("$*", "nothing before"),
        ("^{2}", "nothing before"),
        ("{2}a", "nothing before '{'"),
        ("a{,3}", "not read alike everywhere"),
        ("a{" + "9" * 5_000 + "}", "can be repeated"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(pattern: str, words: str) -> None:
    with pytest.raises(InvalidData, match=words):
        Pattern(pattern)


@settings(max_examples=amount(150, 6_000), deadline=None)
@given(st.text("ab()[]{}|*+?^$\\.,-0123456789:", max_size=12))
def test_whatever_is_given_only_our_errors_come_out(pattern: str) -> None:
    try:
        Pattern(pattern).matches("ab1")
    except InvalidData as error:
        assert error.problems


@pytest.mark.parametrize("nothing", ["", "^", "a{0}", "|"])
def test_nothing_however_often_repeated_is_read_at_once(nothing: str) -> None:
    pattern = f"({nothing})"
    for _ in range(6):
        pattern = f"({pattern}{{5000}})"
    try:
        assert Pattern(pattern).matches("")
    except InvalidData as error:
        assert "steps" in str(error)


def test_a_count_without_its_end_is_text_however_long() -> None:
    assert Pattern("a{99").matches("a{99")
    with pytest.raises(InvalidData, match="steps"):
        Pattern("a{" + "9" * 20_000)


def test_only_digits_of_ascii_count() -> None:
    assert Pattern("a{٣}").matches("a{٣}")


def test_a_bracket_in_a_class_stands_for_itself() -> None:
    assert Pattern("[[a]+").matches("[a[")
