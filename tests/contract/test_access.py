"""Who may do and read what: every public name, called by everybody who may not."""

from __future__ import annotations

import inspect
from typing import Any

import attrs
import pytest
from support.foreigners import (
    OF_THE_APPLICATION,
    READERS,
    VERBS,
    Args,
    Case,
    a_town,
    came_to,
    everything,
    is_nothing,
    public_names,
    public_verbs,
)
from support.optional import skip_without
from support.scenes import Clock

import itagflow
from itagflow import Flow, access

CASES = {**READERS, **VERBS}
OPEN = {
    "viewer": "a viewer",
    "leader": "a leader whom the job names for another stage",
    "external": "an external member whom no job names",
    "operator": "an operator whom the job does not name",
}


class TestTheList:
    def test_every_public_name_has_a_case(self) -> None:
        with itagflow.open("memory:") as flow:
            names = set(public_names(flow))
        assert sorted([*CASES, *OF_THE_APPLICATION]) == sorted(names - {"store", "policy"})

    def test_all_of_them_but_the_store_and_the_policy_are_verbs(self) -> None:
        with itagflow.open("memory:") as flow:
            assert set(public_names(flow)) - set(public_verbs()) == {"store", "policy"}

    def test_every_reader_says_what_it_asks(self) -> None:
        assert set(READERS) == set(access.READERS)

    @pytest.mark.parametrize("name", CASES)
    def test_everything_that_members_call_takes_by(self, name: str) -> None:
        named = inspect.signature(public_verbs()[name]).parameters
        assert "by" in named or name in ("claim", "claim_many", "acknowledge")
        if name in READERS:
            assert named["by"].default is None, "without it the application itself is reading"

    @pytest.mark.parametrize("name", CASES)
    def test_a_case_can_be_done(self, name: str) -> None:
        """By the right member with the right things; otherwise a refusal would prove nothing."""
        skip_without(name)
        clock = Clock()
        with itagflow.open("memory:", clock=clock) as flow:
            args = a_town(flow).args
            if name == "assignments.expire":
                clock.forward(hours=2)
            case = CASES[name]
            assert not is_nothing(came_to(lambda: case.call(flow, attrs.evolve(args, by=case.by))))


def test_no_stranger_does_or_sees_anything(flow: Flow) -> None:
    town = a_town(flow)
    before, failures = everything(flow), list[str]()
    for name, case in CASES.items():
        for kind, args in [*wrong_people(case, town), *wrong_things(case, town)]:
            try:
                value = came_to(lambda case=case, args=args: case.call(flow, args))
            except Exception as error:
                failures.append(f"{name} by {kind}: {error!r} is not ours")
                continue
            if not is_nothing(value):
                failures.append(f"{name} by {kind}: {value!r}")
            if (after := everything(flow)) != before:
                failures.append(f"{name} by {kind} has changed something")
                before = after
    assert failures == []


def wrong_people(case: Case, town: Any) -> list[tuple[str, Args]]:
    closed_to = set(town.strangers) - {OPEN[who] for who in case.open_to}
    return [
        (kind, attrs.evolve(town.args, by=town.strangers[kind]))
        for kind in town.strangers
        if kind in closed_to
    ]


def wrong_things(case: Case, town: Any) -> list[tuple[str, Args]]:
    found = []
    for kind, things in town.others.items():
        for name in set(case.takes).intersection(things):
            if kind != "another's" or name not in case.anywhere:
                args = attrs.evolve(town.args, by=case.by, **{name: things[name]})
                found.append((f"somebody with {kind} {name}", args))
    return found


NO_REFERENCES = (
    None,
    "",
    "x",
    1.5,
    (),
    (1,),
    (1, 2, 3),
    ("x", 1),
    (1, None),
    2**63,
    -(2**70),
    (2**70, 1),
    object(),
)


def test_what_is_no_reference_is_not_found(flow: Flow) -> None:
    town = a_town(flow)
    before, failures = everything(flow), list[str]()
    for name, case in CASES.items():
        for place in case.takes:
            for wrong in NO_REFERENCES:
                if name in ("claim", "claim_many") and wrong is None:
                    continue  # it stands for any job: something is taken
                args = attrs.evolve(town.args, by=case.by, **{place: wrong})
                try:
                    value = came_to(lambda case=case, args=args: case.call(flow, args))
                except Exception as error:
                    failures.append(f"{name} with {place}={wrong!r}: {error!r} is not ours")
                    continue
                if not is_nothing(value) and not is_optional(name, place, wrong):
                    failures.append(f"{name} with {place}={wrong!r}: {value!r}")
    assert failures == []
    assert everything(flow) == before


def is_optional(name: str, place: str, wrong: object) -> bool:
    """Whether None stands for all there is."""
    return wrong is None and (name, place) in OPTIONAL


OPTIONAL = {
    ("events.list", "closed"),
    ("results.find", "member"),
    ("available", "workspace"),
    ("explain", "job"),
    ("assignments.list", "job"),
}
