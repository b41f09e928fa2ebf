"""A call that runs in a thread: it is given up once, and waits no longer than it is wanted."""

from __future__ import annotations

import contextvars
import time

import pytest

from itagflow.aio.calls import ThreadCall
from itagflow.core.calls import GivenUp, running_call, wait_for
from itagflow.testing import make_event


def test_without_a_call_nothing_is_given_up() -> None:
    waited: list[float] = []
    wait_for(waited.append, 3.0)
    assert waited == [3.0]
    assert running_call.get() is None


def test_it_is_given_up_once_so_that_cleaning_up_can_go_on() -> None:
    call = ThreadCall()

    def work() -> str:
        assert running_call.get() is call
        call.require_wanted()
        call.give_up()
        with pytest.raises(GivenUp):
            call.require_wanted()
        call.require_wanted()
        return "cleaned up"

    assert call.prepare(work)() == "cleaned up"
    assert running_call.get() is None, "the context is that of the call"


def test_context_variables_are_those_of_whoever_prepares_it() -> None:
    name = contextvars.ContextVar("name", default="nobody")
    token = name.set("ann")
    prepared = ThreadCall().prepare(name.get)
    name.reset(token)
    assert prepared() == "ann"


def test_it_notes_what_it_has_claimed() -> None:
    call = ThreadCall()
    claim = make_event(type="claim", job=1, assignment=7)
    call.note_committed([make_event(type="save", job=1, assignment=6), claim])
    call.note_committed([])
    assert call.claimed == [(1, 7)]


def test_it_waits_in_steps_until_the_time_is_over() -> None:
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        time.sleep(seconds)

    ThreadCall().wait(wait, 0.5)
    assert len(waited) >= 3
    assert max(waited) <= 0.2


def test_it_stops_waiting_when_it_is_woken() -> None:
    waited: list[float] = []
    ThreadCall().wait(waited.append, 5.0)
    assert len(waited) == 1


@pytest.mark.parametrize("wait", [time.sleep, lambda seconds: time.sleep(min(seconds, 0.01))])
def test_it_does_not_wait_when_it_was_given_up(wait: object) -> None:
    call = ThreadCall()
    call.give_up()
    with pytest.raises(GivenUp):
        call.wait(wait, 600)  # type: ignore[arg-type]


def test_nobody_can_await_the_end_of_an_iterator() -> None:
    def stop() -> None:
        raise StopIteration("enough")

    with pytest.raises(RuntimeError, match="enough"):
        ThreadCall().prepare(stop)()
