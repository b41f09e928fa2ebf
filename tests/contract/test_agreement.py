"""Random histories: `available` names what `claim` would give, and `explain` gives the reason that is true."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter

import attrs
import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from support import invariants
from support.scenes import Clock, rows

import itagflow
from itagflow import (
    Accept,
    Assignment,
    AssignmentState,
    Choice,
    Crew,
    Field,
    FixedSize,
    Flow,
    Inspect,
    ItagflowError,
    Job,
    JobState,
    Label,
    NotAllowed,
    Package,
    PackageState,
    Role,
    Route,
    Selection,
    Stage,
    Workflow,
    templates,
)
from itagflow.access import Action
from itagflow.claiming import service
from itagflow.claiming.anything import claim_once
from itagflow.claiming.service import ClaimRequest
from itagflow.claiming.wanted import Options, Wanted
from itagflow.model import Purpose

PEOPLE = ("ada", "ben", "cy", "di", "eve")
LEASE = timedelta(minutes=10)
KIND = Field("kind", skill="kind {}")
people = st.sampled_from(PEOPLE)
stages = st.sampled_from(Stage)
anything = st.integers(0, 10_000)

labels = st.sampled_from(
    [
        Label(lease=LEASE, offer_lease=LEASE),
        Label(lease=LEASE, offer_lease=LEASE, limit=1),
        Label(lease=LEASE, limit=2, rework=Route.QUEUE),
        Label(rework=Route.QUEUE, lease=None, offer_lease=LEASE, limit=1),
        Label(votes=2, min_votes=1, lease=LEASE, offer_lease=LEASE),
        Label(votes=2, min_votes=2, lease=LEASE, max_total=2),
        Label(allow_partial=True, lease=LEASE, offer_lease=LEASE, max_total=2),
        Label(allow_partial=True, lease=LEASE, limit=1),
        Label(votes=3, min_votes=2, lease=LEASE, limit=1, rework=Route.QUEUE),
        Label(on_overdue={"1": Choice("dog")}, lease=LEASE, offer_lease=LEASE, allow_partial=True),
        Label(votes=2, on_overdue={"1": Choice("dog")}, lease=LEASE, limit=2),
        Label(on_overdue="escalate", lease=LEASE, offer_lease=LEASE, order="due"),
        Label(votes=2, on_overdue="escalate", lease=LEASE, offer_lease=LEASE),
    ]
)
inspects = st.sampled_from(
    [
        Inspect(lease=LEASE),
        Inspect(lease=LEASE, limit=1, max_total=2),
        Inspect(allow_own_work=True),
    ]
)
crews = st.sampled_from(
    [
        {},
        {Crew.EXPERTS: PEOPLE, Crew.ADJUDICATORS: PEOPLE},
        {Crew.EXPERTS: ("di", "eve"), Crew.ADJUDICATORS: ("di", "ben")},
    ]
)
accepts = st.sampled_from(
    [
        None,
        Accept(lease=LEASE, offer_lease=LEASE, limit=1),
        Accept(allow_own_work=True),
        Accept(allow_own_review=True, reject_to=Stage.LABEL),
    ]
)
others = st.sampled_from(
    [
        Label(lease=LEASE, offer_lease=LEASE),
        Label(lease=LEASE, limit=1),
        Label(lease=LEASE, max_total=1, rework=Route.QUEUE),
        Label(votes=2, lease=LEASE, offer_lease=LEASE, limit=2),
        Label(lease=LEASE, requires=KIND),
        Label(lease=LEASE, requires=attrs.evolve(KIND, least=2), rework=Route.QUEUE),
        Label(votes=2, lease=LEASE, requires=KIND),
        Label(lease=LEASE, allow_partial=True, requires=KIND, order="due"),
    ]
)
inspect_others = st.sampled_from([None, KIND, attrs.evolve(KIND, least=2)])
SKILLS = {"kind x": 1, "kind y": 3, "z": 9}
priorities = st.sampled_from([0, 0, 1, -1])
PASS = {Stage.LABEL: "submit", Stage.INSPECT: "review", Stage.ACCEPT: "accept"}


class Undo(Exception):
    """Takes back what a claim gave."""


class Agreement(RuleBasedStateMachine):
    """After each step everybody asks, at every stage, and what they are told is compared with what they would get."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.flow = itagflow.open("memory:", clock=self.clock, ids=itertools.count(1000).__next__)
        self.job = 0
        self.other = 0
        """A second job, which runs all the time: what is given out without a job is of either."""
        self.assignments: list[Assignment] = []

    def teardown(self) -> None:
        invariants.check(self.flow)
        self.flow.close()

    @initialize(
        label=labels,
        inspect=inspects,
        accept=accepts,
        tasks=st.integers(1, 4),
        is_everybody_named=st.booleans(),
        crew=crews,
        other=others,
        inspect_other=inspect_others,
        priorities=st.tuples(priorities, priorities),
    )
    def order(
        self,
        label: Label,
        inspect: Inspect,
        accept: Accept | None,
        tasks: int,
        is_everybody_named: bool,
        crew: dict[Crew, tuple[str, ...]],
        other: Label,
        inspect_other: Field | None,
        priorities: tuple[int, int],
    ) -> None:
        workflow = Workflow(*(part for part in (label, inspect, accept) if part))
        workspace = self.flow.workspaces.create("street", admin="ada")
        for name in PEOPLE[1:]:
            self.flow.members.add(workspace, name, Role.OPERATOR, by="ada")
            # whoever can do all of it: else it could not be published
            self.flow.members.set_skills(workspace, name, {"kind x": 2, "kind y": 2}, by="ada")
        ordered = self.act(
            "jobs.create",
            workspace,
            "job",
            template=templates.image_classification(["cat", "dog"]),
            data=rows(tasks),
            workflow=workflow,
            packaging=FixedSize(2),
            workforce={
                **dict.fromkeys(workflow.stages, PEOPLE if is_everybody_named else PEOPLE[:4]),
                **crew,
            },
            by="ada",
            priority=priorities[0],
        )
        if isinstance(ordered, Job):  # else it could never finish: all who review would label
            self.job = ordered.id
        self.other = self.flow.jobs.create(
            workspace,
            "other",
            template=templates.image_classification(["cat", "dog"]),
            data=[{"source": f"{kind}.jpg", "kind": kind} for kind in "xyx"],
            workflow=Workflow(other, Inspect(lease=LEASE, requires=inspect_other)),
            packaging=FixedSize(1),
            workforce={Stage.LABEL: ["ben", "cy", "di"], Stage.INSPECT: ["eve", "ada"]},
            by="ada",
            priority=priorities[1],
        ).id

    def act(self, operation: str, *arguments: object, **options: object) -> object:
        try:
            return attrgetter(operation)(self.flow)(*arguments, **options)
        except ItagflowError:
            return None

    def note(self, *assignments: object) -> None:
        self.assignments += [
            assignment for assignment in assignments if isinstance(assignment, Assignment)
        ]

    @rule(account=people, stage=stages, token=st.sampled_from(["", "", "t1", "t2"]))
    def claim(self, account: str, stage: Stage, token: str) -> None:
        self.note(self.act("claim", account, self.job, stage, token=token))

    @rule(account=people, stage=st.none() | stages, token=st.sampled_from(["", "t1"]))
    def claim_anything(self, account: str, stage: Stage | None, token: str) -> None:
        first = self.act("claim", account, stage=stage, token=token)
        self.note(first)
        if token and isinstance(first, Assignment):
            again = self.act("claim", account, stage=stage, token=token)
            assert isinstance(again, Assignment)
            assert again.id == first.id, "the same claim, sent again"

    @rule(account=people, skills=st.sets(st.sampled_from(sorted(SKILLS))))
    def change_skills(self, account: str, skills: set[str]) -> None:
        theirs = {name: SKILLS[name] for name in skills}
        self.act("members.set_skills", "street", account, theirs, by="ada")

    @rule(account=people, priority=priorities)
    def change_priority(self, account: str, priority: int) -> None:
        self.act("jobs.update", self.other, priority=priority, by=account)

    @rule(package=st.integers(1, 4), priority=st.sampled_from([0, 0, 1, -1]), other=st.booleans())
    def prioritize(self, package: int, priority: int, other: bool) -> None:
        job = self.other if other else self.job
        self.act("packages.prioritize", job, priority, packages=[package], by="ada")

    @rule(account=people, stage=stages, operation=st.sampled_from(["pass", "pass", "reject"]))
    def work(self, account: str, stage: Stage, operation: str) -> None:
        self.do(self.act("claim", account, self.job, stage), operation)

    @rule(account=people, operation=st.sampled_from(["pass", "pass", "reject"]))
    def work_on_anything(self, account: str, operation: str) -> None:
        self.do(self.act("claim", account), operation)

    def do(self, assignment: object, operation: str) -> None:
        """Do all the work of an assignment, if there is one."""
        if not isinstance(assignment, Assignment):
            return
        self.note(assignment)
        stage = assignment.stage
        if stage is Stage.LABEL:
            for work in self.flow.tasks(assignment):
                self.act("save", assignment, work, Choice("cat"))
        self.act(
            "reject" if operation == "reject" else PASS[stage],
            assignment,
            **({"comment": "no", "whole": True} if operation == "reject" else {}),
        )

    @rule(
        assignment=anything,
        operation=st.sampled_from(["release", "renew", "submit", "review", "accept"]),
    )
    def end(self, assignment: int, operation: str) -> None:
        if self.assignments:
            self.act(operation, self.assignments[assignment % len(self.assignments)])

    @rule(account=people, task=anything, submit=st.booleans())
    def escalate(self, account: str, task: int, submit: bool) -> None:
        self.do_a_part(account, task, "escalate", submit=submit)

    @rule(account=people, task=anything)
    def hand_in_a_part(self, account: str, task: int) -> None:
        self.do_a_part(account, task, "save", submit=False)

    def do_a_part(self, account: str, task: int, operation: str, *, submit: bool) -> None:
        """Claim, do something with one of the tasks, and leave or answer the rest."""
        assignment = self.act("claim", account, self.job, Stage.LABEL, resume=True)
        if not isinstance(assignment, Assignment):
            return
        self.note(assignment)
        items = list(self.flow.tasks(assignment))
        chosen = items[task % len(items)]
        self.act(operation, assignment, chosen, *([Choice("dog")] if operation == "save" else []))
        for item in items if submit else ():
            if item is not chosen:
                self.act("save", assignment, item, Choice("cat"))
        self.act("submit", assignment, rest=None if submit else "release")

    @rule(task=st.integers(1, 4), votes=st.integers(1, 2))
    def ask_again(self, task: int, votes: int) -> None:
        self.act("packages.ask_again", [(self.job, task)], votes, by="ada")

    @rule(account=people, pause=st.booleans(), minutes=st.none() | st.sampled_from([5, 60]))
    def pause_or_resume(self, account: str, pause: bool, minutes: int | None) -> None:
        until = None if minutes is None else self.clock() + timedelta(minutes=minutes)
        if pause:
            self.act("members.pause", "street", account, until=until, by="ada")
        else:
            self.act("members.resume", "street", account, by="ada")

    @rule(minutes=st.none() | st.none() | st.sampled_from([0, 30]))
    def close(self, minutes: int | None) -> None:
        closes_at = None if minutes is None else self.clock() + timedelta(minutes=minutes)
        self.act("jobs.update", self.job, closes_at=closes_at, by="ada")

    @rule(crew=st.sampled_from(Crew), who=st.lists(people, max_size=2, unique=True))
    def change_a_crew(self, crew: Crew, who: list[str]) -> None:
        self.act("jobs.set_workforce", self.job, {crew: who}, by="ada")

    @rule(assignment=anything, to=people)
    def reassign(self, assignment: int, to: str) -> None:
        if self.assignments:
            self.note(
                self.act(
                    "assignments.reassign",
                    self.assignments[assignment % len(self.assignments)],
                    to,
                    by="ada",
                )
            )

    @rule(
        package=st.integers(1, 4),
        minutes=st.none() | st.sampled_from([-5, 5, 5, 20]),
        priority=anything,
    )
    def rank(self, package: int, minutes: int | None, priority: int) -> None:
        due = None if minutes is None else self.clock() + timedelta(minutes=minutes)
        self.act("packages.set_due", self.job, due, packages=[package], by="ada")
        self.act("packages.prioritize", self.job, priority % 4 - 1, packages=[package], by="ada")

    @rule(by=st.none() | people)
    def tick(self, by: str | None) -> None:
        self.act("tick", job=self.job, by=by)

    @rule(package=st.integers(1, 4), to=people)
    def assign(self, package: int, to: str) -> None:
        self.note(self.act("assignments.assign", (self.job, package), to, by="ada"))

    @rule(
        operation=st.sampled_from(
            ["jobs.pause", "jobs.resume", "jobs.resume", "assignments.expire"]
        )
    )
    def change_job(self, operation: str) -> None:
        self.act(operation, self.job, by="ada")

    @rule(
        package=st.integers(1, 4),
        operation=st.sampled_from(["packages.discard", "packages.reopen"]),
    )
    def change_package(self, package: int, operation: str) -> None:
        self.act(operation, (self.job, package), by="ada")

    @rule(
        task=st.integers(1, 6),
        to=st.sampled_from(["label", "label", "inspect"]),
        assign=st.sampled_from(["author", "queue", *PEOPLE]),
    )
    def begin_a_campaign(self, task: int, to: str, assign: str) -> None:
        where = Selection(field={"source": f"{task}.jpg"})
        self.act("jobs.reopen", self.job, where=where, to=to, assign=assign, by="ada")

    @rule(account=st.sampled_from(PEOPLE[1:]), back=st.booleans())
    def come_and_go(self, account: str, back: bool) -> None:
        if back:
            self.act("members.add", "street", account, Role.OPERATOR, by="ada")
        else:
            self.act("members.remove", "street", account, by="ada")

    @rule(minutes=st.sampled_from([1, 6, 11, 11]))
    def time_passes(self, minutes: int) -> None:
        self.clock.forward(minutes=minutes)

    @invariant()
    def they_agree(self) -> None:
        if not self.job:
            return
        job = self.flow.jobs.get(self.job)
        invariants.check_board(self.flow, job)
        for account in PEOPLE:
            available = list(self.flow.available(account, workspace="street"))
            self.check_anything(account, available)
            for stage in job.workflow.stages:
                claimed = self.claim_and_undo(account, stage)
                explanation = self.flow.explain(account, job, stage)
                assert ((job, stage) in available) == (claimed is not None), (
                    f"{account} at {stage}: {explanation}"
                )
                situation = MemberSituation(self.flow, job, account, stage, self.clock.now)
                reason = situation.find_reason()
                assert (reason is None) == (claimed is not None), f"{account} at {stage}: {reason}"
                assert (
                    explanation.startswith(reason)
                    if reason is not None
                    else explanation.endswith(": claim it")
                ), (explanation, reason)
                if claimed is not None:
                    assert claimed.state is AssignmentState.HELD
                    assert claimed.stage is stage
                    assert claimed.lease_until is None or claimed.lease_until > self.clock.now
                self.check_packages(situation)

    def check_anything(self, account: str, available: list[tuple[Job, Stage]]) -> None:
        """Without a job, or a stage, a claim gives the best of what is there, or nothing."""
        queues = [
            MemberSituation(self.flow, job, account, stage, self.clock.now)
            for job in self.flow.jobs.list("street", state="running")
            for stage in job.workflow.stages
        ]
        for stage in (None, Stage.LABEL) if account == "ben" else (None,):
            expected = find_best([each for each in queues if stage in (None, each.stage)])
            claimed = self.claim_anything_and_undo(Wanted(account, None, stage))
            assert (claimed is None) == (expected is None), account
            assert (claimed is None) == (not [s for _, s in available if stage in (None, s)])
            if claimed is not None and expected is not None:
                assert expected in ((claimed.job, claimed.id), (claimed.job, -claimed.package))
        explanation = self.flow.explain(account)
        assert explanation.endswith(": claim it") == bool(available), explanation

    def claim_anything_and_undo(self, wanted: Wanted) -> Assignment | None:
        """What a claim without a job gives, taken back."""
        taken: Assignment | None = None
        try:
            with self.flow._engine.transaction() as transaction:
                taken, is_overtaken = claim_once(transaction, wanted)
                assert not is_overtaken
                raise Undo
        except Undo:
            return taken
        except NotAllowed:
            return None

    def check_packages(self, situation: MemberSituation) -> None:
        """A claim that names a package gives something of it, or nothing, for the same reasons."""
        account, stage = situation.member.account, situation.stage
        for package in situation.packages.values():
            claimed = self.claim_and_undo(account, stage, package.number)
            assert (claimed is not None) == situation.may_have(package), (
                f"{account} at {stage}, package {package.number}"
            )
            assert claimed is None or claimed.package == package.number

    def claim_and_undo(
        self, account: str, stage: Stage, package: int | None = None
    ) -> Assignment | None:
        """What a claim gives, taken back."""
        if package is not None:
            wanted = Wanted(account, self.job, stage, Options(package=package))
            return self.claim_anything_and_undo(wanted)
        request = ClaimRequest(account, self.job, stage)
        taken, is_overtaken = self.take_and_undo(request)
        if is_overtaken:
            # the job was changed since a claim has read it; it begins again, as `claim` does
            taken, is_overtaken = self.take_and_undo(request)
        assert not is_overtaken, "nobody else is at work"
        return taken[0] if taken else None

    def take_and_undo(self, request: ClaimRequest) -> tuple[list[Assignment], bool]:
        """What one transaction of a claim gives, taken back, and whether it is to begin again."""
        result: tuple[list[Assignment], bool] = ([], False)
        try:
            with self.flow._engine.transaction() as transaction:
                result = service.take_work(transaction, request)
                raise Undo
        except Undo:
            return result
        except NotAllowed:
            return [], False


def find_best(queues: list[MemberSituation]) -> tuple[int, int] | None:
    """Which work of several queues comes first: its job with its key, or minus its package."""
    offers = [(each.id, each.job) for queue in queues for each in queue.list_offers()]
    if offers:
        id, job = min(offers)
        return job, id
    for priority in sorted({queue.job.priority for queue in queues}, reverse=True):
        group = [queue for queue in queues if queue.job.priority == priority]
        parts = [(each.id, each.job) for queue in group for each in queue.list_open_offers()]
        if parts:
            id, job = min(parts)
            return job, id
        packages = [(queue.rank(each), each) for queue in group for each in queue.list_new()]
        if packages:
            _, package = min(packages, key=lambda pair: pair[0])
            return package.job, -package.number
    lapsed = [
        ((queue.comes_last(each), each.lease_until, each.id), each)
        for queue in queues
        for each in queue.list_lapsed()
    ]
    if not lapsed:
        return None
    _, assignment = min(lapsed, key=lambda pair: pair[0])
    return assignment.job, -assignment.package


class MemberSituation:
    """What a member would see at a stage, read off everything that there is.

    A plain reading of the rules, package by package; the library has them as queries.
    """

    def __init__(self, flow: Flow, job: Job, account: str, stage: Stage, now: datetime) -> None:
        (self.member,) = [
            member for member in flow.members.list("street") if member.account == account
        ]
        self.job, self.stage, self.now = job, stage, now
        self.rule = job.workflow.rule(stage)
        self.is_named = bool(flow.can(account, Action.at(stage), job, stage=stage))
        self.crews = {
            crew
            for crew in Crew
            if stage is Stage.LABEL and self.member.id in job.crew(crew).members
            if self.member.active
        }
        self.packages = {package.number: package for package in flow.packages.list(job)}
        self.assignments = [
            assignment
            for name in (*PEOPLE, None)
            for assignment in flow.assignments.list(name, job=job, live=False)
        ]
        self.live = [
            assignment
            for assignment in self.assignments
            if assignment.live and assignment.stage is stage
        ]

    def find_reason(self) -> str | None:
        """Why a claim must give nothing, as it is explained; None when it must give something."""
        account = self.member.account
        if any(map(self.may_have, self.packages.values())):
            return None
        reason = self.find_obstacle() or self.find_limit_of_new_work()
        if reason:
            return reason
        if not self.is_named:
            names = " or ".join(sorted(crew.value for crew in self.crews))
            theirs = [assignment for assignment in self.live if self.is_theirs(assignment)]
            if not theirs:
                return f"nothing waits for the {names}"
            return f"{count(theirs, 'assignment')} of the {names}"
        waiting = self.waiting()
        if waiting:
            packages = "package is" if len(waiting) == 1 else "packages are"
            return f"{len(waiting)} waiting {packages} {account}'s own work"
        lapsed = list(filter(self.has_lapsed, self.live))
        if lapsed:
            verb = "is" if len(lapsed) == 1 else "are"
            return f"{count(lapsed, 'assignment')} whose lease has lapsed {verb} on {account}'s own"
        offers = [assignment for assignment in self.live if assignment.member is None]
        # what was handed to the experts would tell who may still vote what somebody did instead
        named = [each for each in offers if not self.may_tell_a_vote(each)]
        if named:
            return f"{count(named, 'part')} of packages wait"  # or waits
        held = [assignment for assignment in self.live if assignment not in offers]
        if held:
            verb = "is" if len(held) == 1 else "are"
            return f"{count(held, 'assignment')} {verb} held by or offered to people"
        return f"{count(offers, 'part')} of packages wait" if offers else ""

    def may_tell_a_vote(self, offer: Assignment) -> bool:
        """Whether this open offer tells what somebody has done instead of voting."""
        return offer.purpose is Purpose.ESCALATION and self.job.workflow.label.votes > 1

    def find_obstacle(self) -> str:
        """What keeps the member from everything but their own lapsed work."""
        account = self.member.account
        if not self.is_named and not self.crews:
            return f"{account} may not {self.stage.value} here"
        if self.job.state is not JobState.RUNNING:
            return f"the job is {self.job.state.value}"
        until = self.member.paused_until
        if self.member.paused and (until is None or self.now < until):
            return f"{account} is paused"
        held, limit = self.list_own(AssignmentState.HELD), self.rule.limit
        if limit is not None and len(held) >= limit:
            return f"the limit is reached: {account} holds {len(held)} of {limit}"
        return ""

    def find_limit_of_new_work(self) -> str:
        """What keeps the member from work that others have not begun."""
        total = self.rule.max_total
        got = [
            assignment
            for assignment in self.assignments
            if assignment.counted
            and assignment.member == self.member.id
            and assignment.stage is self.stage
        ]
        if total is not None and len(got) >= total:
            return f"{self.member.account} has got {len(got)} of {count(range(total), 'package')}"
        if self.is_closed():
            return "the job is closed to new work since"
        return ""

    def is_closed(self) -> bool:
        return self.job.closes_at is not None and self.job.closes_at <= self.now

    def may_have(self, package: Package) -> bool:
        """Whether a claim gives something of *package*."""
        if (not self.is_named and not self.crews) or self.job.state is not JobState.RUNNING:
            return False
        there = [assignment for assignment in self.live if assignment.package == package.number]
        theirs = [assignment for assignment in there if self.is_theirs(assignment)]
        own = [assignment for assignment in theirs if assignment.member == self.member.id]
        if any(self.has_lapsed(each) and each.state is AssignmentState.HELD for each in own):
            return True
        if self.find_obstacle():
            return False
        if any(assignment.state is AssignmentState.OFFERED for assignment in own):
            return True
        limit = self.find_limit_of_new_work()
        if (limit and not self.is_closed()) or self.is_total_reached():
            return False
        of_others = [assignment for assignment in theirs if assignment not in own]
        if any(
            self.can_take(assignment)
            for assignment in of_others
            if assignment.member is None or self.has_lapsed(assignment)
        ):
            return True
        if limit or not self.is_named:
            return False
        return package in self.waiting() and self.can_begin(package)

    def list_offers(self) -> list[Assignment]:
        """What is offered to the member, and can be claimed."""
        if not self.is_open() or self.find_obstacle():
            return []
        return list(filter(self.is_theirs, self.list_own(AssignmentState.OFFERED)))

    def list_open_offers(self) -> list[Assignment]:
        """The parts that the member may have."""
        if not self.is_open() or self.find_obstacle() or self.is_total_reached():
            return []
        return [
            each
            for each in self.live
            if each.member is None and self.is_theirs(each) and self.can_take(each)
        ]

    def list_new(self) -> list[Package]:
        """The packages that the member may begin."""
        if not self.is_open() or not self.is_named:
            return []
        if self.find_obstacle() or self.find_limit_of_new_work():
            return []
        return list(filter(self.can_begin, self.waiting()))

    def list_lapsed(self) -> list[Assignment]:
        """The lapsed work that the member may have."""
        if not self.is_open():
            return []
        theirs = [each for each in filter(self.has_lapsed, self.live) if self.is_theirs(each)]
        own = [each for each in theirs if each.member == self.member.id]
        held = [each for each in own if each.state is AssignmentState.HELD]
        if self.find_obstacle() or self.is_total_reached():
            return held
        return held + [each for each in theirs if each not in own and self.can_take(each)]

    def is_open(self) -> bool:
        return (self.is_named or bool(self.crews)) and self.job.state is JobState.RUNNING

    def rank(self, package: Package) -> tuple[object, ...]:
        """What comes first is least."""
        again = self.stage is Stage.LABEL and bool(self.past(package.number, self.stage))
        due = package.due or datetime.max.replace(tzinfo=self.now.tzinfo)
        since = package.waiting_since
        return (again, -package.priority, due, since, package.number, package.job)

    def comes_last(self, lapsed: Assignment) -> bool:
        """Whether it is of a package that the member has labeled before."""
        is_own = lapsed.member == self.member.id
        if self.stage is not Stage.LABEL or lapsed.round == 1 or is_own:
            return False
        return bool(self.past(lapsed.package, self.stage))

    def is_total_reached(self) -> bool:
        return self.find_limit_of_new_work().startswith(f"{self.member.account} has got")

    def is_theirs(self, assignment: Assignment) -> bool:
        """Whether it is work that the member may do: of the stage, or of a crew."""
        crew = {Purpose.ADJUDICATION: Crew.ADJUDICATORS, Purpose.ESCALATION: Crew.EXPERTS}
        if assignment.purpose in crew:
            return crew[assignment.purpose] in self.crews
        return self.is_named

    def list_own(self, state: AssignmentState) -> list[Assignment]:
        return [
            assignment
            for assignment in self.live
            if assignment.member == self.member.id and assignment.state is state
        ]

    def has_lapsed(self, assignment: Assignment) -> bool:
        return assignment.lease_until is not None and assignment.lease_until <= self.now

    def waiting(self) -> list[Package]:
        state = PackageState.at(self.stage)
        return [
            package for package in self.packages.values() if package.state is state and package.free
        ]

    def past(self, package: int, stage: Stage) -> list[Assignment]:
        """What the member has, or has had to its end, on a package at a stage."""
        return [
            assignment
            for assignment in self.assignments
            if assignment.package == package
            and assignment.member == self.member.id
            and assignment.stage is stage
            and assignment.state is not AssignmentState.RETURNED
        ]

    def can_begin(self, package: Package) -> bool:
        """Whether the member may have *package* as a whole."""
        if not self.has_skill(package):
            return False
        labeled = self.past(package.number, Stage.LABEL)
        if self.stage is Stage.LABEL:
            here = [assignment for assignment in labeled if assignment.round == package.round]
            return not here and not self.has_seen_votes(package.number, package.round)
        assert isinstance(self.rule, Inspect | Accept)
        if labeled and not self.rule.allow_own_work:
            return False
        if not isinstance(self.rule, Accept) or self.rule.allow_own_review:
            return True
        return not any(each.authored for each in self.past(package.number, Stage.INSPECT))

    def has_skill(self, package: Package) -> bool:
        """Whether the member can do what the kind of the package asks for, if anything."""
        requires = self.rule.requires
        if requires is None:
            return True
        least = 0 if requires.least is None else requires.least
        return self.member.skills.get(f"kind {json.loads(package.value)}", -1) >= least

    def has_seen_votes(self, package: int, round: int) -> bool:
        """Whether the member had votes of this round before them; also if they gave that back."""
        return self.job.workflow.label.votes > 1 and any(
            assignment.package == package
            and assignment.round == round
            and assignment.member == self.member.id
            and assignment.purpose in (Purpose.ADJUDICATION, Purpose.ESCALATION)
            for assignment in self.assignments
        )

    def can_take(self, assignment: Assignment) -> bool:
        """Whether the member may have this part, or what somebody else has left."""
        package = self.packages[assignment.package]
        if not self.has_skill(package):
            return False
        here = [
            past for past in self.past(package.number, self.stage) if past.round == assignment.round
        ]
        if assignment.scope is None or assignment.purpose not in PARTS:
            return not here and self.can_begin(package)
        is_vote = assignment.purpose not in (Purpose.ADJUDICATION, Purpose.ESCALATION)
        if is_vote and self.has_seen_votes(package.number, assignment.round):
            return False
        if self.job.workflow.label.votes > 1:
            return not here
        tasks = set(assignment.scope)
        return not any(past.scope is None or tasks.intersection(past.scope) for past in here)


PARTS = (Purpose.REST, Purpose.EXTRA_VOTE, Purpose.ADJUDICATION, Purpose.ESCALATION)


def count(things: Sequence[object], noun: str) -> str:
    return f"{len(things)} {noun}" + ("" if len(things) == 1 else "s")


TestAgreement = Agreement.TestCase
TestAgreement.settings = settings(
    max_examples=int(os.environ.get("ITAGFLOW_WALKS", "8")),
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
