"""How far a reader goes who follows one verb through the code: few files, and straight on.

`benchmarks.trace` counts it; ``python -m benchmarks.trace reject --files`` shows the way.  A number
here may become smaller.  Whoever makes one larger has put something on the way of the verb that
belongs to what it visits already.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest
from benchmarks.trace import HOME, RULES, Trace, ready, trace

import itagflow


@attrs.frozen
class Way:
    """The most that a verb may visit."""

    files: int
    """How many files of the core."""
    changes: int
    """How often it goes from a service to rules."""
    formats: int = 0
    """How many files of formats: the port, and the format itself."""
    is_stream: bool = False
    """Whether tasks go one by one through all of it: what is done for each of them counts once."""


WAYS = {
    "claim": Way(files=9, changes=6),
    "save": Way(files=10, changes=2),
    "submit": Way(files=12, changes=4),
    "reject": Way(files=12, changes=3),
    # eight files read and write; four store the event, whose rules say which tasks the file has
    "export": Way(files=12, changes=4, formats=7, is_stream=True),
}


@pytest.fixture(scope="module")
def ways() -> Iterator[dict[str, Trace]]:
    with itagflow.open("memory:") as flow:
        yield {verb: trace(act) for verb, act in ready(flow).items()}


def test_every_verb_of_the_trace_is_told() -> None:
    with itagflow.open("memory:") as flow:
        assert set(ready(flow)) == set(WAYS)


@pytest.mark.parametrize("verb", WAYS)
def test_a_verb_visits_few_files(verb: str, ways: dict[str, Trace]) -> None:
    found = ways[verb].files
    assert len(found) <= WAYS[verb].files, found
    formats = ways[verb].formats
    assert len(formats) <= WAYS[verb].formats, formats


@pytest.mark.parametrize("verb", WAYS)
def test_a_verb_goes_from_its_service_to_the_rules_and_seldom_back(
    verb: str, ways: dict[str, Trace]
) -> None:
    changes = ways[verb].alternations
    if WAYS[verb].is_stream:
        changes = list(dict.fromkeys(changes))
    assert len(changes) <= WAYS[verb].changes, changes


@pytest.mark.parametrize("verb", ["claim", "save", "submit", "reject"])
def test_a_verb_stores_one_change(verb: str, ways: dict[str, Trace]) -> None:
    """It gathers first, and writes once, at its end."""
    calls = [line.strip() for line in ways[verb].calls]
    assert calls.count("core/transaction.py:apply") == 1
    last_lock = max(at for at, call in enumerate(calls) if call.endswith("transaction.py:lock"))
    assert last_lock < calls.index("core/transaction.py:apply")


def test_the_trace_names_files_that_are_there() -> None:
    """Else a file that has moved would count as a service."""
    assert [name for name in RULES if not (HOME / name).is_file()] == []
