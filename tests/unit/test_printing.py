"""What people wrote cannot break a printed line, turn it around, or forge another: events, errors, differences."""

from __future__ import annotations

import copy
import pickle
import re
import typing
import unicodedata
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scenes import cats, taken

import itagflow
from itagflow import Event, Flow, ItagflowError, Stage, errors
from itagflow.errors import Problem
from itagflow.maintenance import Inconsistency
from itagflow.model import event as events
from itagflow.model.job import JobState
from itagflow.printing import make_printable

FORGING = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
HOSTILE = st.text(
    st.sampled_from(
        "a =:\n\r\t\v\f\0\x1b\x1c\x7f\x85\x9b\u2028\u2029\u202e\u2066\u061c\u200f\ud800"
    ),
    min_size=1,
    max_size=20,
)
ERRORS = [
    kind
    for _, kind in sorted(vars(errors).items())
    if isinstance(kind, type) and issubclass(kind, ItagflowError) and attrs.has(kind)
]


def is_one_line(text: str) -> bool:
    return not FORGING.search(text) and len(text.splitlines()) <= 1


def value_of(hint: Any, text: str) -> Any:
    """A value of this type that says *text* wherever it can."""
    if hint in (str, object, Any):
        return text
    if hint is int:
        return 7
    if hint is Enum:
        return JobState.DRAFT
    if typing.get_origin(hint) is tuple:
        args = [arg for arg in typing.get_args(hint) if arg is not Ellipsis]
        return tuple(value_of(arg, text) for arg in args)
    if hint is Problem:
        return Problem(text, text)
    raise AssertionError(f"no value for {hint}")


@given(HOSTILE)
@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_an_error_is_one_line_and_keeps_what_it_was_given(kind: type[Any], text: str) -> None:
    given = {name: value_of(hint, text) for name, hint in typing.get_type_hints(kind).items()}
    error = kind(**given)
    for each in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert is_one_line(str(each)), repr(str(each))
        assert {name: getattr(each, name) for name in given} == given
    assert is_one_line(f"{error}")


def test_every_error_is_tried() -> None:
    assert {kind.__name__ for kind in ERRORS} == {
        "AlreadyExists", "Conflict", "Incomplete", "InvalidData", "NotAcknowledged", "NotAllowed",
        "NotFound", "NotHeld", "NotRegistered",
        "StaleVersion", "StoreFailed", "UnknownFormat", "WrongState",
    }  # fmt: skip
    assert is_one_line(str(ItagflowError("a\nb")))


@given(HOSTILE, st.sampled_from([*sorted(events._PAST), "other\nverb"]), st.integers(0, 1))
def test_an_event_is_one_line(text: str, verb: str, number: int) -> None:
    data = {"reason": text, "name": text, "tasks": [1], "to": text}
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for task, package in ((number, 0), (0, number)):
        event = Event(
            at=at,
            type=verb,
            workspace=1,
            member=1,
            account=text,
            task=task,
            package=package,
            data=data,
        )
        assert is_one_line(str(event)), repr(str(event))
        assert event.data["reason"] == text


SENTENCES = [
    ("recall", {"package": 2}, "took back package 2: no longer needed"),
    ("expire", {"package": 2}, "expired the assignment on package 2: no longer needed"),
    ("set_workforce", {}, "changed the workforce of job 'names': no longer needed"),
    ("update_job", {}, "changed job 'names': no longer needed"),
    ("publish", {}, "published job 'names': no longer needed"),
    ("migrate", {}, "carried over the answers of job 'names': no longer needed"),
    ("migrate", {"package": 2}, "carried over the answers of package 2: no longer needed"),
    ("import", {}, "imported the results of job 'names': no longer needed"),
    ("save", {"package": 2, "task": 3}, "saved task 3: no longer needed"),
    ("add_template", {"job": 0}, "added template 'names': no longer needed"),
    ("create_workspace", {"job": 0}, "created workspace 'names': no longer needed"),
    ("set_role", {"job": 0}, "changed the role of names: no longer needed"),
    ("set_skills", {"job": 0}, "changed the skills of names: no longer needed"),
]


@pytest.mark.parametrize(("type", "about", "sentence"), SENTENCES)
def test_an_event_is_an_english_sentence(type: str, about: dict[str, int], sentence: str) -> None:
    data = {"name": "names", "reason": "no longer needed"}
    event = Event(
        at=datetime(2026, 1, 1, 9, 30, tzinfo=UTC),
        type=type,
        workspace=1,
        member=1,
        account="ada",
        data=data,
        **{"job": 4, **about},
    )
    assert str(event) == f"09:30 ada {sentence}"


def test_an_event_names_who_did_it_and_not_whose_assignment_it_was(flow: Flow) -> None:
    job = cats(flow)
    taken(flow, "ben", job)
    flow.packages.prioritize(job, 5, packages=[(job.id, 2)], by="ada")
    flow.jobs.set_workforce(job, {Stage.LABEL: ["cy"]}, by="ada")
    flow.jobs.finish(job, by="ada", discard_open=True)
    lines = [str(event) for event in flow.events.list(job)]
    assert lines[-5:] == [
        "09:00 ada prioritized 1 package",
        "09:00 ada changed the workforce of job 'cats'",
        "09:00 ada took back package 1: the job was finished",
        "09:00 ada discarded package 1: the job was finished",
        "09:00 ada discarded package 2: the job was finished",
    ]


@given(HOSTILE)
def test_a_problem_and_a_difference_are_one_line(text: str) -> None:
    for each in (
        Problem(text, text),
        Problem("", text),
        Inconsistency("job", (1,), text, text, (text, text)),
    ):
        assert is_one_line(str(each)), repr(str(each))


@given(st.text())
def test_what_forges_nothing_stays(text: str) -> None:
    said = make_printable(text)
    assert is_one_line(said)
    assert said == text if not FORGING.search(text) else said != text


def test_all_that_unicode_calls_a_control_or_a_separator_of_lines_is_escaped() -> None:
    for code in range(0x110000):
        character = chr(code)
        if (
            unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs")
            or len(f"a{character}b".splitlines()) > 1
        ):
            assert make_printable(character).isascii(), hex(code)


def test_history_cannot_be_forged(flow: Flow) -> None:
    job = cats(flow)
    forged = "x\n09:00 ada accepted package 1\u2028\x1b[1A\u202e"
    assignment = taken(flow, "ben", job)
    flow.release(assignment, comment=forged)
    flow.jobs.update(job, remark=forged, by="ada")
    lines = [str(event) for event in flow.events.list(job)]
    assert all(map(is_one_line, lines))
    assert any(event.data.get("comment") == forged for event in flow.events.list(job)), (
        "as it was given"
    )


def test_no_number_is_too_long_to_be_told() -> None:
    for error in (itagflow.NotFound("Job", 10**5_000), itagflow.AlreadyExists("Job", [10**5_000])):
        assert "a value of type" in str(error)
