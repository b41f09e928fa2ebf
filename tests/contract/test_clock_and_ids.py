"""Clocks in any time zone, keys until 2089, and sources of ids that fail."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import count, cycle
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support.refusals import everything
from support.scenes import START, cats, labeled, taken

import itagflow
from itagflow import (
    Choice,
    GroupByField,
    Inspect,
    InvalidData,
    Label,
    PreLabel,
    Role,
    Stage,
    Workflow,
    maintenance,
    templates,
)
from itagflow.core.engine import TimeOrdered
from itagflow.core.transaction import TRIES
from itagflow.model.number import MOST

NEW_YORK = ZoneInfo("America/New_York")
LEASES = Workflow(Label(lease=timedelta(minutes=30), offer_lease=timedelta(hours=2)))


class Unknown(tzinfo):
    """A zone that does not tell its distance from UTC."""

    def utcoffset(self, at: datetime | None) -> None:
        return None


@pytest.mark.parametrize(
    "start",
    [datetime(2026, 11, 1, 1, 45, tzinfo=NEW_YORK), datetime(2026, 3, 8, 1, 45, tzinfo=NEW_YORK)],
    ids=["the hour that comes twice", "the hour that is left out"],
)
def test_a_lease_is_real_time(url: str, start: datetime) -> None:
    now = [start]
    with itagflow.open(url, clock=lambda: now[0]) as flow:
        job = cats(flow, workflow=LEASES, tasks=2, due_at=start)

        def later(**time: float) -> datetime:
            return (start.astimezone(UTC) + timedelta(**time)).astimezone(NEW_YORK)

        assignment = taken(flow, "ben", job)
        assert assignment.lease_until == later(minutes=30).astimezone(UTC)
        now[0] = later(minutes=29)
        assert flow.claim("cy", job, Stage.LABEL) is None
        now[0] = later(minutes=31)
        assert taken(flow, "cy", job).member != assignment.member
        times = [event.at for event in flow.events.list(job)] + [
            flow.jobs.get(job).created_at,
            flow.assignments.get(assignment).made_at,
        ]
        assert [at.tzinfo for at in (*times, flow.jobs.get(job).due_at) if at] == [UTC] * (
            len(times) + 1
        )
        assert sorted(times[:-2]) == times[:-2]
        assert list(maintenance.verify(flow)) == []


WRONG_CLOCKS: list[tuple[Any, str]] = [
    (datetime(2026, 1, 1), "time zone"),
    (datetime(2026, 1, 1, tzinfo=Unknown()), "time zone"),
    (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=9))), "outside of the years"),
    (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-9))), "outside of the years"),
    ("2026-01-01", "must be a datetime"),
    (None, "must be a datetime"),
    (1_700_000_000.0, "must be a datetime"),
    (datetime(2026, 1, 1).date(), "must be a datetime"),
]


@pytest.mark.parametrize(("now", "words"), WRONG_CLOCKS)
def test_a_clock_that_tells_no_time(now: Any, words: str) -> None:
    told: list[Any] = [START]
    with itagflow.open("memory:", clock=lambda: told[0]) as flow:
        job = cats(flow)
        told[0] = now
        before = everything(flow)
        with pytest.raises(InvalidData, match=words):
            flow.claim("ben", job, Stage.LABEL)
        with pytest.raises(InvalidData, match=words):
            flow.jobs.update(job, remark="x", by="ada")
        assert everything(flow) == before
        told[0] = START
        if now is not None:
            with pytest.raises(InvalidData, match=words):
                flow.jobs.update(job, due_at=now, by="ada")
    with (
        itagflow.open("memory:", clock=lambda: now) as flow,
        pytest.raises(InvalidData, match=words),
    ):
        flow.workspaces.create("x", admin="y")


def test_a_lease_may_end_behind_the_last_day(url: str) -> None:
    with itagflow.open(
        url, clock=lambda: datetime(9999, 12, 31, 23, 50, tzinfo=UTC), ids=count(1).__next__
    ) as flow:
        job = cats(flow, workflow=LEASES)
        assignment = taken(flow, "ben", job)
        assert assignment.lease_until == datetime.max.replace(tzinfo=UTC)
        assert flow.assignments.get(assignment) == assignment
        flow.renew(assignment)
    with itagflow.open("memory:") as flow:
        assert (
            taken(
                flow, "ben", cats(flow, workflow=Workflow(Label(lease=timedelta.max)))
            ).lease_until
            is not None
        )


class TestTimeOrdered:
    def test_keys_count_milliseconds_since_2020(self) -> None:
        now = datetime(2026, 11, 24, tzinfo=UTC)
        key = TimeOrdered(lambda: now)()
        assert key >> 22 == (now - datetime(2020, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)

    def test_they_are_good_until_2089(self) -> None:
        last = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(milliseconds=2**41 - 1)
        assert last.year == 2089
        for at in (datetime(2020, 1, 1, tzinfo=UTC), datetime(2039, 9, 7, tzinfo=UTC), last):
            assert 0 < TimeOrdered(lambda at=at: at)() <= MOST

    @pytest.mark.parametrize(
        "at",
        [datetime(2019, 12, 31), datetime(1960, 1, 1), datetime(2089, 9, 8), datetime(9999, 1, 1)],
    )
    def test_and_not_before_or_after(self, at: datetime) -> None:
        with pytest.raises(
            InvalidData,
            match="keys count the time from 2020-01-01 to 2089-09-06; pass others as ids=",
        ):
            TimeOrdered(lambda: at.replace(tzinfo=UTC))()
        now = [START]
        with itagflow.open("memory:", clock=lambda: now[0]) as flow:
            job = cats(flow)
            now[0] = at.replace(tzinfo=UTC)
            before = everything(flow)
            with pytest.raises(InvalidData, match="the clock"):
                flow.claim("ben", job, Stage.LABEL)
            assert everything(flow) == before

    def test_a_clock_that_is_set_back_gives_new_keys_all_the_same(self) -> None:
        now = [START]
        ids = TimeOrdered(lambda: now[0])
        first = ids()
        now[0] -= timedelta(days=400)
        assert ids() == first + 1


ACTS: dict[str, Callable[[itagflow.Flow, itagflow.Job], object]] = {
    "create_workspace": lambda flow, job: flow.workspaces.create("new", admin="x"),
    "add_member": lambda flow, job: flow.members.add("street", "new", Role.OPERATOR, by="ada"),
    "add_template": lambda flow, job: flow.templates.add(
        "street", templates.image_classification(["x"]), name="new", by="ada"
    ),
    "create_job": lambda flow, job: flow.jobs.create(
        "street",
        "new",
        template=templates.image_classification(["x"]),
        by="ada",
        packaging=GroupByField("source"),
        draft=True,
    ),
    "import_job": lambda flow, job: flow.jobs.import_results(
        "street",
        "new",
        template=job.template,
        data=[{"data": {"source": "1"}, "label-x": {"results": []}}],
        on_error="skip",
        by="ada",
    ),
    "claim": lambda flow, job: flow.claim("ben", job, Stage.LABEL),
    "claim_many": lambda flow, job: flow.claim_many("ben", job, Stage.LABEL, 2),
    "claim of a lapsed assignment": lambda flow, job: flow.claim("cy", job, Stage.INSPECT),
    "assign": lambda flow, job: flow.assignments.assign((job.id, 3), "ben", by="ada"),
    "reassign": lambda flow, job: flow.assignments.reassign(
        next(flow.assignments.list("di")), "cy", by="ada"
    ),
    "reject": lambda flow, job: flow.reject(
        next(flow.assignments.list("di")), comment="no", whole=True
    ),
    "prelabel": lambda flow, job: flow.jobs.prelabel(
        job, lambda tasks: [PreLabel(Choice("cat"))] * len(tasks), by="ada"
    ),
    "change_template": lambda flow, job: flow.jobs.change_template(
        job, [itagflow.templates.AddOption("1", itagflow.templates.Option("bird"))], by="ada"
    ),
}
WRONG_IDS: dict[str, Callable[[int], Callable[[], Any]]] = {
    "the same": lambda taken: lambda: taken,
    "the same two alternately": lambda taken: cycle([taken, taken + 1]).__next__,
    "zero": lambda taken: lambda: 0,
    "negative": lambda taken: lambda: -5,
    "too big": lambda taken: lambda: 2**63,
    "far too big": lambda taken: lambda: 10**5_000,
    "true": lambda taken: lambda: True,
    "a float": lambda taken: lambda: 1e6,
    "a text": lambda taken: lambda: "7",
    "nothing": lambda taken: lambda: None,
}


@pytest.mark.parametrize("wrong", WRONG_IDS.values(), ids=WRONG_IDS)
@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
@pytest.mark.parametrize("url", ["memory", "sqlite"], indirect=True)
def test_a_source_of_ids_that_fails(
    url: str, act: Callable[..., object], wrong: Callable[[int], Any]
) -> None:
    """An operation that draws such an id ends soon, with an error of ours, and stores nothing."""
    now, ids = [START], [count(1).__next__]
    with itagflow.open(url, clock=lambda: now[0], ids=lambda: ids[0]()) as flow:
        template = templates.image_classification(["cat", "dog"])
        flow.workspaces.create("other", admin="olga")
        shared = flow.templates.add("other", template, name="shared", by="olga")
        workflow = Workflow(
            Label(rework=itagflow.Route.AUTHOR), Inspect(lease=timedelta(minutes=1))
        )
        job = cats(flow, tasks=8, workflow=workflow, inspect=["di", "cy"], label=["ben"])
        assert shared.id
        labeled(flow, "ben", job)
        taken(flow, "di", job, Stage.INSPECT)
        now[0] += timedelta(minutes=2)
        before = everything(flow)
        # an id is looked up among those of its kind: the one that all of them have is that of the
        # last
        ids[0] = wrong(_an_id_that_is_taken(flow, act))
        outcome = list[BaseException]()

        def run() -> None:
            try:
                act(flow, job)
            except BaseException as error:
                outcome.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(20)
        assert not thread.is_alive(), "it goes on for ever"
        if outcome:
            assert isinstance(outcome[0], InvalidData), repr(outcome[0])
            assert "the ids" in str(outcome[0])
            assert everything(flow) == before
        else:  # the operation needed no more ids than the source had
            assert (
                wrong in (WRONG_IDS["the same"], WRONG_IDS["the same two alternately"])
                or act is ACTS["change_template"]
            )


def _an_id_that_is_taken(flow: itagflow.Flow, act: Callable[..., object]) -> int:
    job = next(flow.jobs.list("street"))
    if act is ACTS["create_workspace"]:
        return next(flow.members.list("street")).workspace
    if act is ACTS["add_member"]:
        return next(flow.members.list("street")).id
    if act in (ACTS["add_template"], ACTS["change_template"]):
        return job.template
    if act in (ACTS["create_job"], ACTS["import_job"]):
        return job.id
    return next(flow.assignments.list("ben", live=False)).id


def test_few_that_are_taken_do_no_harm(url: str) -> None:
    ids = count(100)
    source = [lambda: next(ids)]
    with itagflow.open(url, ids=lambda: source[0]()) as flow:
        job = cats(flow, tasks=40)
        first = taken(flow, "ben", job)
        ids = count(first.id - TRIES + 1)
        later = [taken(flow, "ben", job) for _ in range(3)]
        assert len({assignment.id for assignment in (first, *later)}) == 4
        assert (
            len({assignment.id for assignment in flow.claim_many("ben", job, Stage.LABEL, 5)}) == 5
        )
        assert list(maintenance.verify(flow)) == []
