"""Every verb names the errors that it raises: the reader learns what to catch, and when."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest
from contract.test_access import CASES, NO_REFERENCES, wrong_people, wrong_things
from support import named_errors
from support.foreigners import Town, a_town, came_to
from support.named_errors import common_errors, is_named, own_errors, verbs, watching
from support.optional import skip_without

import itagflow
from itagflow import Flow, ItagflowError, NotAllowed, NotFound, errors
from itagflow.api.jobs import Jobs

NEVER_REFUSES = {"close"}
"""Verbs that refuse wrong values only, which `Flow` names for all."""


def test_what_every_verb_raises_is_named_once() -> None:
    assert common_errors() == {"InvalidData", "NotFound", "StoreFailed"}


@pytest.mark.parametrize("path", sorted(verbs()))
def test_what_is_named_is_an_error(path: str) -> None:
    named = own_errors(path)
    assert bool(named) != (path in NEVER_REFUSES)
    for name in named - {"TypeError"}:
        assert issubclass(getattr(errors, name), ItagflowError)


@pytest.fixture(scope="module")
def flow() -> Iterator[Flow]:
    with itagflow.open("memory:") as opened:
        yield opened


@pytest.fixture(scope="module")
def town(flow: Flow) -> Town:
    return a_town(flow)


@pytest.mark.parametrize("name", CASES)
def test_what_strangers_and_wrong_references_meet_is_named(
    name: str, flow: Flow, town: Town
) -> None:
    skip_without(name)
    case = CASES[name]
    tries = [args for _, args in [*wrong_people(case, town), *wrong_things(case, town)]]
    for place in case.takes:
        for wrong in NO_REFERENCES:
            tries.append(attrs.evolve(town.args, by=case.by, **{place: wrong}))
    found = [came_to(lambda args=args: case.call(flow, args)) for args in tries]
    refusals = [error for error in found if isinstance(error, ItagflowError)]
    assert refusals or not tries, "nothing was refused, so that this proves nothing"
    assert [repr(error) for error in refusals if not is_named(name, error)] == []


def test_an_error_that_is_not_named_is_seen(
    flow: Flow, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the stories are watched with is not blind, and leaves the verbs as they were."""
    before = vars(Jobs)["get"]
    with watching() as seen:
        with pytest.raises(NotFound):
            flow.jobs.get(17)
        with pytest.raises(NotAllowed):
            flow.jobs.get(town.args.job, by="rob")
        assert seen == {}
        monkeypatch.setattr(named_errors, "own_errors", lambda _: frozenset())
        with pytest.raises(NotAllowed):
            flow.jobs.get(town.args.job, by="rob")
        assert set(seen) == {("jobs.get", "NotAllowed")}
    assert vars(Jobs)["get"] is before
