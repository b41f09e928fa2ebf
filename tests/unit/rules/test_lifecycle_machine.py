"""The machine behind the tables: it moves along their rows and refuses everything else."""

from __future__ import annotations

from enum import Enum

import pytest

from itagflow import Incomplete, WrongState
from itagflow.lifecycle.machine import Lifecycle, Step


class Door(Enum):
    OPEN = "open"
    SHUT = "shut"
    LOCKED = "locked"


def only_with_a_key(command: str) -> None:
    if command != "key":
        raise Incomplete("lock", "there is no key")


STEPS = (
    Step("close", Door.OPEN, Door.SHUT),
    Step("open", Door.SHUT, Door.OPEN),
    Step("lock", Door.SHUT, Door.LOCKED, (only_with_a_key,)),
)
DOOR = Lifecycle("door", Door.OPEN, STEPS)


def test_it_moves_along_its_rows() -> None:
    assert DOOR.advance(Door.OPEN, "close") is Door.SHUT
    assert DOOR.advance(Door.SHUT, "open") is Door.OPEN


@pytest.mark.parametrize("state", list(Door))
@pytest.mark.parametrize("event", ["close", "open", "lock", "paint"])
def test_what_is_no_row_is_refused_with_the_name_of_the_thing(state: Door, event: str) -> None:
    if (event, state) in {(step.event, step.source) for step in STEPS}:
        assert DOOR.advance(state, event, "key") in Door
    else:
        with pytest.raises(WrongState, match="door 7"):
            DOOR.advance(state, event, "key", entity="door 7")


def test_a_guard_refuses_with_its_own_reason_and_nothing_is_kept() -> None:
    with pytest.raises(Incomplete, match="there is no key"):
        DOOR.advance(Door.SHUT, "lock", "spoon")
    assert DOOR.advance(Door.SHUT, "lock", "key") is Door.LOCKED


def test_a_step_that_was_made_has_led_here() -> None:
    assert DOOR.has_led("close", Door.SHUT)
    assert not DOOR.has_led("close", Door.OPEN)
    assert not DOOR.has_led("close", Door.LOCKED)


def test_it_says_what_can_happen_where() -> None:
    assert DOOR.get_events(Door.SHUT) == ("open", "lock")
    assert DOOR.get_events(Door.LOCKED) == ()
    assert DOOR.get_sources("lock") == {Door.SHUT}
    assert DOOR.get_sources("paint") == frozenset()


def test_a_table_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="more than one step"):
        Lifecycle("door", Door.OPEN, [*STEPS, Step("close", Door.OPEN, Door.LOCKED)])
    with pytest.raises(ValueError, match=r"no step leads to \['shut'\]"):
        Lifecycle("door", Door.OPEN, [Step("open", Door.SHUT, Door.OPEN)])
