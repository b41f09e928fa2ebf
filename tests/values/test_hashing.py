"""Values can be put into sets and dicts, whatever they hold."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import attrs
import pytest
from support.optional import skip_without

from itagflow import Answer, Box
from itagflow.model import Event, StageResult
from values import report
from values.callables import public_callables, public_names
from values.cases import POSTGRES
from values.scene import Stores
from values.trying import Trial

CALLABLES = public_callables()
MADE = [key for key in CALLABLES if key not in POSTGRES]
"""What makes values, or hands them out."""


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    with report.stores_of("memory", tmp_path_factory.mktemp("hashing")) as stores:
        yield stores


@pytest.fixture(autouse=True)
def aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some of the cases write files."""
    monkeypatch.chdir(tmp_path)


def values_in(found: object) -> Iterator[Any]:
    """Yield the values of ours in what a call returned, also those in collections and in fields."""
    kind = type(found)
    if attrs.has(kind) and kind.__module__.startswith("itagflow"):
        yield found
        for field in attrs.fields(kind):
            yield from values_in(getattr(found, field.name))
    elif isinstance(found, Mapping):
        yield from values_in(list(found.values()))
    elif isinstance(found, Collection) and not isinstance(found, str | bytes):
        for one in found:
            yield from values_in(one)


def mappings_of(kind: type[Any]) -> list[str]:
    """Return the fields of a class that may hold a mapping and count in its hash."""
    attrs.resolve_types(kind)
    counting = [one for one in attrs.fields(kind) if (one.eq if one.hash is None else one.hash)]
    return [one.name for one in counting if has_mapping(one.type)]


def has_mapping(wanted: Any) -> bool:
    """Tell whether a type is a mapping, a list or a set, or has one in it."""
    origin = get_origin(wanted) or wanted
    if inspect.isclass(origin) and issubclass(origin, Mapping | list | set):
        return True
    return any(has_mapping(part) for part in get_args(wanted))


def public_values() -> Iterable[type[Any]]:
    """Return the public classes whose objects are equal when their fields are."""
    names = public_names().values()
    kinds = {kind for kind in names if inspect.isclass(kind) and attrs.has(kind)}
    compared = [kind for kind in kinds if kind.__eq__ is not object.__eq__]
    return sorted(compared, key=lambda kind: kind.__name__)


def test_there_are_public_values() -> None:
    assert {Answer, Box, Event, StageResult} <= set(public_values())


@pytest.mark.parametrize("kind", public_values(), ids=lambda kind: kind.__name__)
def test_a_mapping_takes_no_part_in_a_hash(kind: type[Any]) -> None:
    assert kind.__hash__ is not None
    assert mappings_of(kind) == []


@pytest.mark.parametrize("key", MADE)
def test_what_is_handed_out_has_a_hash(key: str, memory: Stores) -> None:
    skip_without(key)
    trial = Trial(CALLABLES[key], memory)
    trial.next_scene()
    made = trial.result_of(trial.given(trial.case.good(trial.scene), None))
    for value in values_in(made):
        assert isinstance(hash(value), int)


def test_equal_values_have_equal_hashes() -> None:
    one, two = (Box(1, 2, 3, 4, labels={"Kind": "car", "Color": "red"}) for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)
    assert {one, two} == {one}


def test_values_that_differ_in_a_mapping_are_two_in_a_set() -> None:
    car, van = (Box(1, 2, 3, 4, labels={"Kind": kind}) for kind in ("car", "van"))
    assert len({car, van}) == 2
