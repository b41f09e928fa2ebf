"""Random small jobs and their histories: who looks for what gets stuck goes through many of them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import attrs
import pytest

import itagflow
from itagflow import (
    Accept,
    Assignment,
    AssignmentState,
    Choice,
    Crew,
    FixedSize,
    Incomplete,
    Inspect,
    ItagflowError,
    Job,
    JobState,
    Label,
    NotAllowed,
    NotHeld,
    PackageState,
    Role,
    Selection,
    Stage,
    Workflow,
    maintenance,
    templates,
)
from itagflow.model.job import CrewKey
from itagflow.model.workspace import is_paused
from itagflow.quality import SinglePlan, sequential
from support import invariants
from support.scenes import Clock, rows, street

PEOPLE = ("ada", "ben", "cy", "di", "eve")
PASS = {Stage.LABEL: "submit", Stage.INSPECT: "review", Stage.ACCEPT: "accept"}
HOUR = timedelta(hours=1)
Step = Callable[[Job], None]


class Search:
    """One job and its random history; the same seed makes the same."""

    def __init__(self, seed: int, seen: Counter[str], *, is_calm: bool = False) -> None:
        self.seen = seen
        self.is_calm = is_calm
        """Whether everybody works in one place only, and no total is limited."""
        # not ada, who as an administrator may work anywhere
        self.people = (*PEOPLE[1:], "fay", "gus") if is_calm else PEOPLE
        self.random = Random(seed)
        self.clock = Clock()
        ids = itertools.count(1_000)
        self.flow = itagflow.open("memory:", clock=self.clock, ids=ids.__next__)
        street(self.flow, *dict.fromkeys((*PEOPLE[1:], *self.people[1:])))
        self.history: list[str] = []
        self.job = self.make_job()

    def some(self, *values: Any) -> Any:
        return self.random.choice(values)

    def is_drawn(self, share: float) -> bool:
        return self.random.random() < share

    def crew(self) -> list[str]:
        return self.random.sample(PEOPLE, self.random.randint(1, len(PEOPLE)))

    def draw_total(self) -> int | None:
        return None if self.is_calm else self.some(None, None, 2)

    def make_workforce(self, workflow: Workflow) -> dict[CrewKey, list[str]]:
        crews = [crew for crew in Crew if self.is_drawn(0.5)]
        keys: list[CrewKey] = [*workflow.stages, *crews]
        if not self.is_calm:
            return {key: self.crew()[: 5 if isinstance(key, Stage) else 2] for key in keys}
        people = self.random.sample(self.people, len(self.people))
        # one for each, and the rest label
        named: dict[CrewKey, list[str]] = {key: [people.pop()] for key in keys}
        named[Stage.LABEL] += people
        return named

    def make_workflow(self) -> Workflow:
        review = {
            "lease": self.some(HOUR, HOUR, None),
            "offer_lease": self.some(HOUR, HOUR, None),
            "max_total": self.draw_total(),
        }
        inspect = self.some(None, Inspect(), Inspect(**review, **self.make_review_terms()))
        accept = self.some(None, Accept(), Accept(**review, **self.make_review_terms()))
        if accept is not None and inspect is not None and self.is_drawn(0.5):
            target = Stage.LABEL if accept.plan else Stage.INSPECT
            accept = attrs.evolve(accept, allow_own_review=True, reject_to=target)
        keeps = self.is_drawn(0.2)
        votes = self.some(1, 1, 2, 3) if inspect or accept or keeps else 1
        route = self.some("author", "queue", *(self.people if votes == 1 else ()))
        lease = self.some(HOUR, HOUR, None)
        label = Label(
            votes=votes,
            min_votes=self.random.randint(1, votes),
            on_dispute="keep" if keeps else "review",
            votes_package_share=self.some(None, 0.5) if votes > 1 else None,
            rework=route,
            redo_all=self.is_drawn(0.3),
            on_abandon=self.some("keep", "queue"),
            order=self.some(None, "random", "oldest"),
            allow_partial=votes == 1 and self.is_drawn(0.5),
            acknowledge=self.is_drawn(0.1),
            lease=lease,
            offer_lease=lease,
            limit=self.some(None, 1),
            max_total=self.draw_total(),
        )
        return Workflow(*(rule for rule in (label, inspect, accept) if rule))

    def make_review_terms(self) -> dict[str, Any]:
        if self.is_drawn(0.3):
            plan = self.some(SinglePlan(1, 0), SinglePlan(2, 1), sequential(0.1, 0.6))
            then = self.some("rework", "inspect")
            return {"plan": plan, "rejected_lots": then, "allow_own_work": self.is_drawn(0.4)}
        return {
            "allow_own_work": self.is_drawn(0.4),
            "limit": self.some(None, 1),
            "task_count": self.some(None, 1),
            "package_share": self.some(None, None, 0.5),
            "max_rejects": self.some(None, 1),
            "on_max_rejects": self.some("modify", "abandon", "queue"),
        }

    def make_job(self) -> Job | None:
        """The job, or None when it is refused."""
        workflow = self.make_workflow()
        try:
            return self.flow.jobs.create(
                "street",
                "cats",
                template=templates.image_classification(["cat", "dog"]),
                data=rows(self.random.randint(1, 4)),
                workflow=workflow,
                packaging=FixedSize(self.random.randint(1, 3)),
                workforce=self.make_workforce(workflow),
                seed=self.random.randint(0, 9),
                by="ada",
            )
        except Incomplete as refusal:
            self.history.append(str(refusal))
            return None

    def wander(self, job: Job) -> None:
        """Let people do anything for a while."""
        work: tuple[tuple[Step, int], ...] = (
            *((self.claim, 12), (self.work, 6), (self.claim_and_work, 4), (self.reject, 6)),
            *((self.judge, 3), (self.release, 2), (self.abandon, 1), (self.escalate, 4)),
            *((self.hand_in_a_part, 3), (self.ask_again, 3), (self.restore_version, 1)),
            (self.reassign, 1),
        )
        # not all in each history: else nearly every job would be stuck before anything happens
        trouble: tuple[Step, ...] = (
            *(self.lapse, self.expire, self.assign, self.pause, self.resume),
            *(self.remove, self.come_back, self.change_workforce, self.close, self.reopen),
            *(self.discard, self.pause_job, self.append, self.raise_votes, self.change_rules),
            *(self.erase, self.write_a_guideline, self.acknowledge, self.begin_a_campaign),
        )
        drawn = [(step, 2) for step in trouble if self.is_drawn(0.3)]
        steps = [*work, *drawn]
        for _ in range(self.random.randint(0, 50)):
            (step,) = self.random.choices([each for each, _ in steps], [n for _, n in steps])
            try:
                step(job)
            except ItagflowError as refusal:
                self.seen["refused"] += 1
                self.history.append(f"({step.__name__}: {refusal})")
            else:
                self.seen[step.__name__] += 1
                self.history.append(step.__name__)

    def some_assignment(self, job: Job, *stages: Stage, is_offered_too: bool = False) -> Assignment:
        """A held assignment, at one of these stages if some are named, or also an offer.

        Raises:
            NotHeld: when there is none.
        """
        live = [
            each
            for account in (*PEOPLE, None)
            for each in self.flow.assignments.list(account, job=job)
            if (is_offered_too or each.state is AssignmentState.HELD)
            and (not stages or each.stage in stages)
        ]
        if not live:
            raise NotHeld((0, 0), "nobody has such work")
        return self.random.choice(live)

    def some_task(self, job: Job, *stages: Stage) -> tuple[Assignment, itagflow.WorkItem]:
        """A held assignment at one of these stages, and one of its tasks."""
        assignment = self.some_assignment(job, *stages)
        items = list(self.flow.tasks(assignment, by=assignment.member))
        if not items:
            raise NotHeld(assignment.key, "its tasks were erased")
        return assignment, self.random.choice(items)

    def some_package(self) -> tuple[str, int]:
        return ("cats", self.random.randint(1, 3))

    def claim(self, job: Job) -> None:
        """Let somebody have something, whoever may."""
        package = self.some(None, None, None, 1, 2)
        everywhere = [(name, stage) for name in PEOPLE for stage in job.workflow.stages]
        for name, stage in self.random.sample(everywhere, len(everywhere)):
            if self.try_claim(job, name, stage, package=package, resume=False):
                return

    def work(self, job: Job) -> None:
        self.finish(self.some_assignment(job))

    def claim_and_work(self, job: Job) -> None:
        """Take what is there and end it at once, so that histories get far."""
        stage = self.some(*job.workflow.stages)
        for name in self.random.sample(PEOPLE, len(PEOPLE)):
            assignment = self.try_claim(job, name, stage)
            if assignment is not None:
                self.finish(assignment)
                return

    def finish(self, assignment: Assignment) -> None:
        """Answer what has to be answered, and end the assignment with its work."""
        by = assignment.member
        if self.flow.packages.get((assignment.job, assignment.package)).lot is not None:
            self.follow_the_plan(assignment)
            return
        for item in self.flow.tasks(assignment, by=by):
            if assignment.stage is not Stage.LABEL:
                self.review_task(assignment, item)
            elif item.answer is not None and item.answer.is_escalated:
                continue
            elif item.votes and self.is_drawn(0.5) and item.votes[0].replies is not None:
                self.flow.save(assignment, item, pick=item.votes[0], by=by)
            elif self.is_drawn(0.1):
                self.flow.abandon(assignment, item, "dark", by=by)
            else:
                answer = Choice(self.some("cat", "cat", "dog"))
                self.flow.save(assignment, item, answer, by=by)
        try:
            getattr(self.flow, PASS[assignment.stage])(assignment, by=by)
        except Incomplete as refusal:
            # what a later stage has sent back here stands judged wrong until somebody says more
            for task in refusal.tasks if assignment.stage is not Stage.LABEL else ():
                self.flow.judge(assignment, task, by=by)
            getattr(self.flow, PASS[assignment.stage])(assignment, by=by)

    def follow_the_plan(self, assignment: Assignment) -> None:
        """Look at what the plan wants to see, and do what it says then: once it goes back, at most."""
        by, verdict = assignment.member, self.flow.plan_verdict(assignment, by=assignment.member)
        package = self.flow.packages.get((assignment.job, assignment.package))
        is_good = package.round > 3 or self.is_drawn(0.5)
        while verdict.more:
            for item in self.flow.tasks(assignment, by=by):
                if item.answer is None and is_good and item.task.number not in package.disputes:
                    self.flow.judge(assignment, item, by=by)
                elif item.answer is None:
                    self.flow.modify(assignment, item, Choice("dog"), by=by)
            verdict = self.flow.plan_verdict(assignment, by=by)
        self.seen[f"plan: {verdict.verdict.value}"] += 1
        for item in self.flow.tasks(assignment, by=by):
            if item.answer is not None and item.answer.wrong:
                self.flow.modify(assignment, item, Choice("dog"), by=by)
        try:
            getattr(self.flow, PASS[assignment.stage])(assignment, by=by)
        except NotAllowed:
            self.flow.reject(assignment, comment="no", by=by)

    def review_task(self, assignment: Assignment, item: itagflow.WorkItem) -> None:
        by = assignment.member
        if item.answer is not None and item.answer.wrong:
            self.flow.judge(assignment, item, discard_modification=True, by=by)
        if item.votes or self.is_drawn(0.3):
            self.flow.modify(assignment, item, Choice("dog"), by=by)

    def reject(self, job: Job) -> None:
        assignment, item = self.some_task(job, Stage.INSPECT, Stage.ACCEPT)
        by = assignment.member
        if self.is_drawn(0.3):
            self.flow.modify(assignment, item, Choice("dog"), by=by)
        if self.is_drawn(0.5):
            self.flow.reject(assignment, tasks=[item.task], comment="no", by=by)
        else:
            self.flow.reject(assignment, comment="again", whole=True, by=by)

    def judge(self, job: Job) -> None:
        assignment, item = self.some_task(job, Stage.INSPECT, Stage.ACCEPT)
        self.flow.judge(assignment, item, wrong="no", by=assignment.member)

    def release(self, job: Job) -> None:
        self.flow.release(self.some_assignment(job, is_offered_too=True))

    def lapse(self, job: Job) -> None:
        self.clock.forward(hours=2)

    def expire(self, job: Job) -> None:
        self.flow.assignments.expire(job, by="ada")

    def abandon(self, job: Job) -> None:
        assignment, item = self.some_task(job)
        self.flow.abandon(assignment, item, "dark", by=assignment.member)

    def escalate(self, job: Job) -> None:
        assignment, item = self.some_task(job, Stage.LABEL)
        self.flow.escalate(assignment, item, comment="?", by=assignment.member)

    def hand_in_a_part(self, job: Job) -> None:
        assignment, item = self.some_task(job, Stage.LABEL)
        self.flow.save(assignment, item, Choice("cat"), by=assignment.member)
        self.flow.submit(assignment, rest="release", by=assignment.member)

    def ask_again(self, job: Job) -> None:
        task = (job, self.some(1, 1, 2, 3))
        self.flow.packages.ask_again([task], self.some(1, 1, 2), by="ada")

    def assign(self, job: Job) -> None:
        self.flow.assignments.assign(self.some_package(), self.some(*PEOPLE), by="ada")

    def reassign(self, job: Job) -> None:
        assignment = self.some_assignment(job, is_offered_too=True)
        self.flow.assignments.reassign(assignment, self.some(*PEOPLE), by="ada")

    def pause(self, job: Job) -> None:
        until = self.some(None, self.clock() + HOUR)
        self.flow.members.pause("street", self.some(*PEOPLE), until=until, by="ada")

    def resume(self, job: Job) -> None:
        self.flow.members.resume("street", self.some(*PEOPLE), by="ada")

    def remove(self, job: Job) -> None:
        self.flow.members.remove("street", self.some(*PEOPLE), by="ada")

    def come_back(self, job: Job) -> None:
        who = self.some(*PEOPLE[1:])
        self.flow.members.add("street", who, Role.OPERATOR, by="ada")

    def change_workforce(self, job: Job) -> None:
        key = self.some(*job.workflow.stages, *Crew)
        crew = self.crew() if isinstance(key, Stage) or self.is_drawn(0.5) else []
        self.flow.jobs.set_workforce(job, {key: crew}, by="ada")

    def close(self, job: Job) -> None:
        self.flow.jobs.update(job, closes_at=self.clock() + self.some(HOUR, 9 * HOUR), by="ada")

    def reopen(self, job: Job) -> None:
        self.flow.packages.reopen(self.some_package(), by="ada")

    def begin_a_campaign(self, job: Job) -> None:
        """Open some tasks again; all others, and what a dry run says, are as they were."""
        conditions: list[dict[str, Any]] = [
            *({}, {"label": "cat"}, {"label": "dog"}, {"member": self.some(*PEOPLE)}),
            *({"package": 1}, {"state": "abandoned"}, {"field": {"source": "2.jpg"}}),
        ]
        how: dict[str, Any] = {
            "where": Selection(**self.some(*conditions)),
            "to": self.some(Stage.LABEL, *job.workflow.stages),
            "assign": self.some("author", "queue", *PEOPLE),
            "by": "ada",
        }
        before = {each.task.number: each for each in self.flow.results.list(job)}
        expected = self.flow.jobs.reopen(job, **how, dry_run=True)
        assert self.flow.jobs.reopen(job, **how) == expected
        changed = [each for each in self.flow.results.list(job) if each != before[each.task.number]]
        assert len(changed) <= expected.tasks, "the others keep their results"
        again = self.flow.jobs.reopen(job, **how)
        assert again.tasks == 0, "the same call again opens nothing"
        invariants.check(self.flow)

    def discard(self, job: Job) -> None:
        self.flow.packages.discard(self.some_package(), by="ada")

    def pause_job(self, job: Job) -> None:
        if self.flow.jobs.get(job).state is JobState.PAUSED:
            self.flow.jobs.resume(job, by="ada")
        else:
            self.flow.jobs.pause(job, by="ada")

    def append(self, job: Job) -> None:
        self.flow.jobs.append(job, rows(1), by="ada")

    def update_rule(self, job: Job, rule: Any, **fields: Any) -> None:
        workflow = self.flow.jobs.get(job).workflow
        rules = [workflow.rule(stage) for stage in workflow.stages]
        changed = [attrs.evolve(each, **fields) if each == rule else each for each in rules]
        self.flow.jobs.update(job, workflow=Workflow(*changed), by="ada")  # type: ignore[arg-type]

    def raise_votes(self, job: Job) -> None:
        label = self.flow.jobs.get(job).workflow.label
        self.update_rule(job, label, votes=self.some(2, 3), allow_partial=False)

    def change_rules(self, job: Job) -> None:
        workflow = self.flow.jobs.get(job).workflow
        stage = self.some(*workflow.stages)
        if stage is Stage.LABEL:
            route = self.some("author", "queue")
            self.update_rule(job, workflow.label, rework=route, on_dispute=self.some("keep"))
        else:
            self.update_rule(job, workflow.rule(stage), allow_own_work=self.is_drawn(0.5))

    def erase(self, job: Job) -> None:
        maintenance.erase_task(self.flow, (job, self.random.randint(1, 4)), by="ada")

    def write_a_guideline(self, job: Job) -> None:
        text = f"look {self.random.randint(1, 9)} times"
        self.flow.jobs.update(job, guideline=text, by="ada")

    def acknowledge(self, job: Job) -> None:
        self.flow.acknowledge(self.some(*PEOPLE), job)

    def restore_version(self, job: Job) -> None:
        assignment, item = self.some_task(job)
        versions = self.flow.results.versions(job, item.task.number)
        if versions:
            self.flow.results.restore_version(assignment, item.task, self.some(*versions))

    def settle(self, job: Job) -> None:
        """Let everybody who is there do all that they have and are given, until there is none."""
        if self.flow.jobs.get(job).state is JobState.PAUSED:
            self.flow.jobs.resume(job, by="ada")
        named = self.find_lasting(job)
        for _ in range(200):
            self.clock.forward(hours=2)
            moved = [
                self.do_everything(job, name) for name in self.people
            ]  # everybody, in each turn
            if not any(moved):
                waiting = self.find_waiting(job)
                assert named <= waiting, (named, waiting, "blocked, and then it went on")
                return
        pytest.fail("it never comes to an end")

    def find_lasting(self, job: Job) -> set[int]:
        """What is blocked and must stay so: nobody is there again only because time passes."""
        people = [self.flow.members.get("street", name) for name in self.people]
        if any(member.paused_until is not None for member in people):
            return set()
        return {each.package for each in self.flow.jobs.blocked(job)}

    def find_waiting(self, job: Job) -> set[int]:
        ended = (PackageState.DONE, PackageState.DISCARDED)
        return {
            package.number for package in self.flow.packages.list(job) if package.state not in ended
        }

    def do_everything(self, job: Job, name: str) -> bool:
        member = self.flow.members.get("street", name)
        if not member.active or is_paused(member, self.clock()):
            return False
        moved = False
        for stage in job.workflow.stages:
            self.acknowledge_newest(job, name)
            self.check_invariant(job, name, stage)
            while (assignment := self.try_claim(job, name, stage)) is not None:
                try:
                    self.finish(assignment)
                except NotAllowed:
                    break  # others were named for the stage since
                moved = True
        return moved

    def acknowledge_newest(self, job: Job, name: str) -> None:
        try:
            self.flow.acknowledge(name, job)
        except ItagflowError:
            self.seen["needs no acknowledgment"] += 1

    def try_claim(
        self, job: Job, name: str, stage: Stage, *, package: int | None = None, resume: bool = True
    ) -> Assignment | None:
        try:
            return self.flow.claim(name, job, stage, package=package, resume=resume)
        except NotAllowed:
            return None

    def check_invariant(self, job: Job, name: str, stage: Stage) -> None:
        """What is available is what a claim gives, and the other way round."""
        is_there = any(found == stage for _, found in self.flow.available(name))
        said = self.flow.explain(name, job, stage)
        assert is_there == said.endswith(": claim it"), said

    def check_end(self, job: Job) -> None:
        waiting = self.find_waiting(job)
        blocked = {each.package: each.reason for each in self.flow.jobs.blocked(job)}
        for reason in blocked.values():
            assert "cannot go on with it" not in reason, "each reason is told"
            self.seen[f"blocked: {reason.split(':')[0]}"] += 1
        assert waiting == blocked.keys(), (blocked, waiting)
        is_finished = self.flow.jobs.get(job).state is JobState.FINISHED
        assert is_finished == (not waiting)
        self.seen["finished" if is_finished else "stuck and named"] += 1
        for name in PEOPLE:
            for assignment in self.flow.assignments.list(name, job=job, live=False):
                if assignment.state is AssignmentState.DONE:
                    self.seen[f"purpose: {assignment.purpose.value}"] += 1
        invariants.check(self.flow)
