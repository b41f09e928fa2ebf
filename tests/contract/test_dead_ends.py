"""No published job is stuck with every member willing, unless `jobs.blocked` names what is stuck.

Small workflows, workforces, votes and routes are gone through by random histories of claims,
rejects, releases, lapses, removals, changes of the workforce, and pauses.  Then everybody does what
they are given, until nobody is given anything.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from support.scenes import Clock, rows, street

from itagflow import (
    Accept,
    Assignment,
    AssignmentState,
    Choice,
    FixedSize,
    Flow,
    Incomplete,
    Inspect,
    Job,
    JobState,
    Label,
    NotAllowed,
    NotHeld,
    PackageState,
    Stage,
    Workflow,
    templates,
)
from itagflow.errors import RuleError
from itagflow.model.workspace import is_paused
from itagflow.storage import MemoryStore, Query

PEOPLE = ("ada", "ben", "cy", "di")
PASS = {Stage.LABEL: "submit", Stage.INSPECT: "review", Stage.ACCEPT: "accept"}
RUNS = int(os.environ.get("ITAGFLOW_SEARCH", "120"))
SEEN: Counter[str] = Counter()
"""How often each thing was met, by all runs."""


class Search:
    """One job and its random history."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.clock = Clock()
        self.flow = Flow(MemoryStore(), clock=self.clock)
        street(self.flow, *PEOPLE[1:])
        self.job = self.make_job()

    def some(self, *values: Any) -> Any:
        return self.random.choice(values)

    def crew(self) -> list[str]:
        return self.random.sample(PEOPLE, self.random.randint(1, 3))

    def make_job(self) -> Job | None:
        """The job, or None when it is refused."""
        inspect = self.some(None, Inspect(), Inspect(allow_own_work=True), Inspect(limit=1))
        accept = self.some(None, Accept(), Accept(allow_own_work=True))
        if accept and inspect:
            accept = self.some(accept, Accept(allow_own_review=True, reject_to=Stage.INSPECT))
        votes = self.some(1, 1, 2) if inspect or accept else 1
        route = self.some("author", "queue", *(PEOPLE if votes == 1 else ()))
        lease = self.some(timedelta(hours=1), timedelta(hours=1), None)
        label = Label(
            votes=votes,
            rework=route,
            lease=lease,
            offer_lease=lease,
            limit=self.some(None, 1),
            max_total=self.some(None, None, 2),
        )
        workflow = Workflow(*(rule for rule in (label, inspect, accept) if rule))
        try:
            return self.flow.jobs.create(
                "street",
                "cats",
                template=templates.image_classification(["cat", "dog"]),
                data=rows(self.random.randint(1, 3)),
                workflow=workflow,
                packaging=FixedSize(1),
                workforce={stage: self.crew() for stage in workflow.stages},
                by="ada",
            )
        except Incomplete:
            return None

    def wander(self, job: Job) -> None:
        """Let people do anything for a while."""
        steps: tuple[tuple[Callable[[Job], None], int], ...] = (
            (self.claim, 6),
            (self.work, 6),
            (self.reject, 3),
            (self.release, 2),
            (self.lapse, 1),
            (self.pause, 1),
            (self.resume, 1),
            (self.remove, 1),
            (self.change_workforce, 1),
            (self.close, 1),
        )
        for _ in range(self.random.randint(0, 25)):
            (step,) = self.random.choices([each for each, _ in steps], [n for _, n in steps])
            try:
                step(job)
            except (RuleError, NotHeld):
                SEEN["refused"] += 1
            else:
                SEEN[step.__name__] += 1

    def held(self, job: Job) -> Assignment | None:
        with self.flow.store.read() as reader:
            held = {"job": job.id, "state": AssignmentState.HELD}
            live = list(reader.find(Query(Assignment, held, order=("id",))))
        return self.random.choice(live) if live else None

    def claim(self, job: Job) -> None:
        self.flow.claim(self.some(*PEOPLE), job, self.some(*job.workflow.stages))

    def work(self, job: Job) -> None:
        assignment = self.held(job)
        if assignment is not None:
            self.finish(assignment)

    def finish(self, assignment: Assignment) -> None:
        """Answer what has to be answered, and end the assignment with its work."""
        by = assignment.member
        for item in self.flow.tasks(assignment, by=by):
            if assignment.stage is Stage.LABEL:
                answer = Choice(self.some("cat", "cat", "dog"))
                self.flow.save(assignment, item, answer, by=by)
            elif item.votes or self.random.random() < 0.3:
                self.flow.modify(assignment, item, Choice("dog"), by=by)
        getattr(self.flow, PASS[assignment.stage])(assignment, by=by)

    def reject(self, job: Job) -> None:
        assignment = self.held(job)
        if assignment is not None and assignment.stage is not Stage.LABEL:
            if self.random.random() < 0.5:
                item = next(self.flow.tasks(assignment))
                self.flow.modify(assignment, item, Choice("dog"))
            self.flow.reject(assignment, comment="again", whole=True, by=assignment.member)

    def release(self, job: Job) -> None:
        assignment = self.held(job)
        if assignment is not None:
            self.flow.release(assignment)

    def lapse(self, job: Job) -> None:
        self.clock.forward(hours=2)

    def pause(self, job: Job) -> None:
        until = self.some(None, self.clock() + timedelta(hours=1))
        self.flow.members.pause("street", self.some(*PEOPLE), until=until, by="ada")

    def resume(self, job: Job) -> None:
        self.flow.members.resume("street", self.some(*PEOPLE), by="ada")

    def remove(self, job: Job) -> None:
        self.flow.members.remove("street", self.some(*PEOPLE), by="ada")

    def change_workforce(self, job: Job) -> None:
        stage = self.some(*job.workflow.stages)
        self.flow.jobs.set_workforce(job, {stage: self.crew()}, by="ada")

    def close(self, job: Job) -> None:
        self.flow.jobs.update(job, closes_at=self.clock() + timedelta(hours=3), by="ada")

    def settle(self, job: Job) -> None:
        """Let everybody who is there do all that they have and are given, until there is none."""
        for _ in range(200):
            self.clock.forward(hours=2)
            moved = [self.do_everything(job, name) for name in PEOPLE]  # everybody, in each turn
            if not any(moved):
                return
        pytest.fail("it never comes to an end")

    def do_everything(self, job: Job, name: str) -> bool:
        member = self.flow.members.get("street", name)
        if not member.active or is_paused(member, self.clock()):
            return False
        moved = False
        for stage in job.workflow.stages:
            self.check_invariant(job, name, stage)
            while (assignment := self.try_claim(job, name, stage)) is not None:
                try:
                    self.finish(assignment)
                except NotAllowed:
                    break  # others were named for the stage since
                moved = True
        return moved

    def try_claim(self, job: Job, name: str, stage: Stage) -> Assignment | None:
        try:
            return self.flow.claim(name, job, stage, resume=True)
        except NotAllowed:
            return None

    def check_invariant(self, job: Job, name: str, stage: Stage) -> None:
        """What is available is what a claim gives, and the other way round."""
        is_there = any(found == stage for _, found in self.flow.available(name))
        said = self.flow.explain(name, job, stage)
        assert is_there == said.endswith(": claim it"), said

    def check_end(self, job: Job) -> None:
        waiting = {
            package.number
            for package in self.flow.packages.list(job)
            if package.state not in (PackageState.DONE, PackageState.DISCARDED)
        }
        blocked = {each.package: each.reason for each in self.flow.jobs.blocked(job)}
        assert waiting == blocked.keys(), (
            self.flow.jobs.get(job).workflow,
            [event.type for event in self.flow.events.list(job)],
            blocked,
        )
        is_finished = self.flow.jobs.get(job).state is JobState.FINISHED
        assert is_finished == (not waiting)
        SEEN["finished" if is_finished else "stuck and named"] += 1


@pytest.mark.parametrize("tenth", range(10))
def test_what_is_stuck_is_named(tenth: int) -> None:
    for seed in range(tenth, RUNS, 10):
        search = Search(seed)
        if search.job is None:
            SEEN["not published"] += 1
            continue
        search.wander(search.job)
        search.settle(search.job)
        search.check_end(search.job)


def test_everything_was_met() -> None:
    """The search above has gone everywhere; run both together."""
    if not SEEN:
        pytest.skip("the search did not run in this process")
    print(dict(SEEN))
    for name in (
        *("not published", "finished", "stuck and named"),
        *("claim", "work", "reject", "release", "lapse", "pause", "remove", "change_workforce"),
    ):
        assert SEEN[name] > 0, name


def test_with_the_same_people_all_along_a_published_job_finishes() -> None:
    """Nobody rejects or leaves, and nobody modifies: whatever is published comes to its end."""
    finished = 0
    for seed in range(1_000, 1_000 + RUNS // 2):
        search = Search(seed)
        if search.job is None:
            continue
        finished += 1
        search.settle(search.job)
        search.check_end(search.job)
    assert finished > 0
