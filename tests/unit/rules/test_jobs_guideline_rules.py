"""The versions of a guideline."""

from __future__ import annotations

import pytest
from support.facts import CTX

from itagflow import InvalidData
from itagflow.jobs import guideline_rules as rules
from itagflow.model import Guideline, Stage
from itagflow.model.package import ClaimCounter
from itagflow.testing import AT, make_event, make_job

JOB = make_job(guideline="1", guideline_version=1)


def test_another_text_is_the_next_version_and_other_fields_are_none() -> None:
    changed = rules.change_fields(JOB, {"guideline": "2", "remark": "x"})
    assert (changed.guideline, changed.guideline_version, changed.remark) == ("2", 2, "x")
    assert rules.change_fields(JOB, {"guideline": "1"}) == JOB
    assert rules.change_fields(JOB, {"remark": "x"}).guideline_version == 1


def test_an_event_keeps_the_text_of_a_new_version() -> None:
    changed = rules.change_fields(JOB, {"guideline": "2"})
    assert rules.describe_guideline(JOB, changed) == {"guideline": "2", "guideline_version": 2}
    assert rules.describe_guideline(None, JOB) == {"guideline": "1", "guideline_version": 1}
    assert rules.describe_guideline(JOB, JOB) == rules.describe_guideline(None, make_job()) == {}


def test_the_versions_are_those_that_events_made() -> None:
    events = [
        make_event("create_job", data={"name": "x"}),
        make_event("update_job", data={"guideline": "1", "guideline_version": 1}),
        make_event("update_job", data={"name": "x"}),
    ]
    assert rules.list_guidelines(events) == [Guideline(version=1, text="1", at=AT, member=2)]


def test_the_newest_version_is_meant_and_none_that_is_to_come() -> None:
    assert rules.require_version(JOB, None) == rules.require_version(JOB, 1) == 1
    assert rules.require_version(JOB, 0) == 0
    with pytest.raises(InvalidData, match="version: is 2, and the newest version is 1"):
        rules.require_version(JOB, 2)


def test_only_counters_that_know_less_are_changed() -> None:
    old = ClaimCounter(job=4, stage=Stage.LABEL, member=2, active=1)
    new = ClaimCounter(job=4, stage=Stage.INSPECT, member=2, acknowledged=3)
    change = rules.acknowledge(JOB, [old, new], 2, CTX)
    assert change is not None
    ((before, after),) = change.save
    assert (before, after.acknowledged, after.active) == (old, 2, 1)  # type: ignore[union-attr]
    assert (change.event.type, change.event.data["version"]) == ("acknowledge", 2)
    assert rules.acknowledge(JOB, [new], 2, CTX) is None
