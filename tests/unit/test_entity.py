"""An entity with some fields changed, made past its constructor."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import attrs
import pytest
from support.scenes import cats, taken

from itagflow import Flow, Inspect, Label, Stage, Workflow
from itagflow.model import copying
from itagflow.model.copying import evolve
from itagflow.model.entity import Entity
from itagflow.storage._sql.layout import LAYOUTS
from itagflow.testing import make_one_of_each, make_package

ONE_OF_EACH = make_one_of_each()
NAMES = [type(entity).__name__ for entity in ONE_OF_EACH]


@pytest.mark.parametrize("entity", ONE_OF_EACH, ids=NAMES)
def test_it_is_what_the_constructor_would_make(entity: Entity) -> None:
    before = attrs.asdict(entity, recurse=False)
    changed = evolve(entity, version=7)
    assert changed == attrs.evolve(entity, version=7)
    assert type(changed) is type(entity)
    assert pickle.loads(pickle.dumps(changed)) == changed
    assert attrs.asdict(entity, recurse=False) == before
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        changed.version = 8  # type: ignore[misc]


@pytest.mark.parametrize("entity", ONE_OF_EACH, ids=NAMES)
def test_a_name_that_is_no_field_is_refused(entity: Entity) -> None:
    with pytest.raises(TypeError, match="fre"):
        evolve(entity, fre=0)


@pytest.mark.parametrize("kind", sorted(copying._COPYABLE, key=lambda kind: kind.__name__))
def test_kinds_whose_constructor_checks_nothing_are_copied(kind: type) -> None:
    for field in attrs.fields(kind):
        assert (field.converter, field.validator, field.init) == (None, None, True), field.name
    assert not hasattr(kind, "__attrs_post_init__")
    # a slot of its own would be left behind
    assert all(not vars(base).get("__slots__") for base in kind.__mro__)


def test_nothing_to_change_makes_an_equal_one() -> None:
    assert evolve(make_package(free=2)) == make_package(free=2)


@pytest.mark.parametrize("entity", ONE_OF_EACH, ids=NAMES)
def test_what_is_read_shares_nothing_that_can_be_changed(entity: Entity) -> None:
    fields = attrs.fields(type(entity))
    required = {
        field.name: getattr(entity, field.name)
        for field in fields
        if field.default is attrs.NOTHING
    }
    plain = type(entity)(**required)
    layout = LAYOUTS[type(entity)]
    row = layout.row(plain)
    first, second = layout.entity(row), layout.entity(row)
    assert first == second == plain
    for field in fields:
        value = getattr(first, field.name)
        if isinstance(value, dict | list | set):
            assert value is not getattr(second, field.name), field.name


def test_what_a_store_gives_to_everybody_refuses_changes(flow: Flow) -> None:
    job = cats(flow, workflow=Workflow(Label(votes=2), Inspect()))
    stored: Any = flow.jobs.get(job)
    for mapping in (stored.workforce, stored.workflow.label.merge):
        key = next(iter(mapping))
        acts = [
            lambda mapping=mapping: mapping.clear(),
            lambda mapping=mapping, key=key: mapping.pop(key),
            lambda mapping=mapping: mapping.popitem(),
            lambda mapping=mapping: mapping.update(a=1),
            lambda mapping=mapping: mapping.setdefault("a", 1),
            lambda mapping=mapping, key=key: mapping.__delitem__(key),
            lambda mapping=mapping, key=key: mapping.__setitem__(key, 1),
            lambda mapping=mapping: mapping.__ior__({"a": 1}),
        ]
        for act in acts:
            with pytest.raises(TypeError, match="never changes"):
                act()
        for other in (pickle.loads(pickle.dumps(mapping)), copy.deepcopy(mapping)):
            assert other == mapping
    assert pickle.loads(pickle.dumps(stored)) == copy.deepcopy(stored) == stored
    assert taken(flow, "ben", job, Stage.LABEL)
