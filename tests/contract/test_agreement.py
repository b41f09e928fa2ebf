"""Random histories: `available` names what `claim` would give, and `explain` gives the reason that is true."""

from __future__ import annotations

import itertools
import os
from datetime import datetime, timedelta
from operator import attrgetter

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
from itagflow.claiming.service import ClaimRequest

PEOPLE = ("ada", "ben", "cy", "di")
LEASE = timedelta(minutes=10)
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
        Label(votes=3, min_votes=2, lease=LEASE, limit=1, rework=Route.QUEUE),
    ]
)
inspects = st.sampled_from(
    [Inspect(lease=LEASE), Inspect(lease=LEASE, limit=1), Inspect(allow_own_work=True)]
)
accepts = st.sampled_from(
    [
        None,
        Accept(lease=LEASE, offer_lease=LEASE, limit=1),
        Accept(allow_own_work=True),
        Accept(allow_own_review=True, reject_to=Stage.LABEL),
    ]
)
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
    )
    def order(
        self,
        label: Label,
        inspect: Inspect,
        accept: Accept | None,
        tasks: int,
        is_everybody_named: bool,
    ) -> None:
        workflow = Workflow(*(part for part in (label, inspect, accept) if part))
        workspace = self.flow.workspaces.create("street", admin="ada")
        for name in PEOPLE[1:]:
            self.flow.members.add(workspace, name, Role.OPERATOR, by="ada")
        ordered = self.act(
            "jobs.create",
            workspace,
            "job",
            template=templates.image_classification(["cat", "dog"]),
            data=rows(tasks),
            workflow=workflow,
            packaging=FixedSize(1),
            workforce=dict.fromkeys(workflow.stages, PEOPLE if is_everybody_named else PEOPLE[:3]),
            by="ada",
        )
        if isinstance(ordered, Job):  # else it could never finish: all who review would label
            self.job = ordered.id

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

    @rule(account=people, stage=stages, operation=st.sampled_from(["pass", "pass", "reject"]))
    def work(self, account: str, stage: Stage, operation: str) -> None:
        assignment = self.act("claim", account, self.job, stage)
        if not isinstance(assignment, Assignment):
            return
        self.note(assignment)
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
        for account in PEOPLE:
            available = list(self.flow.available(account, workspace="street"))
            for stage in job.workflow.stages:
                claimed = self.claim_and_undo(account, stage)
                explanation = self.flow.explain(account, job, stage)
                assert ((job, stage) in available) == (claimed is not None), (
                    f"{account} at {stage}: {explanation}"
                )
                reason = self.reason(account, stage)
                assert (reason is None) == (claimed is not None), f"{account} at {stage}: {reason}"
                assert (
                    explanation.startswith(reason)
                    if reason is not None
                    else explanation.endswith(": claim it")
                ), (explanation, reason)
                if claimed is not None:
                    assert claimed.state is AssignmentState.HELD
                    assert claimed.lease_until is None or claimed.lease_until > self.clock.now

    def claim_and_undo(self, account: str, stage: Stage) -> Assignment | None:
        """What a claim gives, taken back."""
        taken: list[Assignment] = []
        try:
            with self.flow._engine.transaction() as transaction:
                taken += service.take_work(transaction, ClaimRequest(account, self.job, stage))
                raise Undo
        except Undo:
            return taken[0] if taken else None
        except NotAllowed:
            return None

    def reason(self, account: str, stage: Stage) -> str | None:
        """Why a claim must give nothing, by a plain reading of the rules; None when it must give something."""
        flow, job = self.flow, self.flow.jobs.get(self.job)
        if not flow.can(account, Action.at(stage), job, stage=stage):
            return f"{account} may not {stage.value} here"
        if job.state is not JobState.RUNNING:
            return f"the job is {job.state.value}"
        situation = MemberSituation(self.flow, job, account, stage, self.clock.now)
        lapsed = situation.lapsed()
        if any(assignment in situation.list_held() for assignment in lapsed):
            return None
        limit = job.workflow.rule(stage).limit
        if limit is not None and len(situation.list_held()) >= limit:
            return f"the limit is reached: {account} holds {len(situation.list_held())} of {limit}"
        waiting = situation.waiting()
        if (
            situation.is_offered_something()
            or not all(map(situation.is_own, waiting))
            or any(map(situation.can_take_over, lapsed))
        ):
            return None
        if waiting:
            packages = "package is" if len(waiting) == 1 else "packages are"
            return f"{len(waiting)} waiting {packages} {account}'s own work"
        if lapsed:
            noun, verb = ("assignment", "is") if len(lapsed) == 1 else ("assignments", "are")
            return f"{len(lapsed)} {noun} whose lease has lapsed {verb} on {account}'s own work"
        if not situation.live:
            return ""
        assignments = "assignment is" if len(situation.live) == 1 else "assignments are"
        return f"{len(situation.live)} {assignments} held by or offered to people"


class MemberSituation:
    """What a member would see at a stage, read off everything that there is."""

    def __init__(self, flow: Flow, job: Job, account: str, stage: Stage, now: datetime) -> None:
        (self.member,) = [
            member for member in flow.members.list("street") if member.account == account
        ]
        self.stage, self.now, self.rule = stage, now, job.workflow.rule(stage)
        self.packages = {package.number: package for package in flow.packages.list(job)}
        self.assignments = [
            assignment
            for name in PEOPLE
            for assignment in flow.assignments.list(name, job=job, live=False)
        ]
        self.live = [
            assignment
            for assignment in self.assignments
            if assignment.live and assignment.stage is stage
        ]

    def list_own(self, state: AssignmentState) -> list[Assignment]:
        return [
            assignment
            for assignment in self.live
            if assignment.member == self.member.id and assignment.state is state
        ]

    def list_held(self) -> list[Assignment]:
        return self.list_own(AssignmentState.HELD)

    def is_offered_something(self) -> bool:
        return bool(self.list_own(AssignmentState.OFFERED))

    def lapsed(self) -> list[Assignment]:
        return [
            assignment
            for assignment in self.live
            if assignment.lease_until is not None and assignment.lease_until <= self.now
        ]

    def waiting(self) -> list[Package]:
        state = PackageState.at(self.stage)
        return [
            package for package in self.packages.values() if package.state is state and package.free
        ]

    def past(self, package: Package, stage: Stage) -> list[Assignment]:
        """What the member has, or has had to its end, on a package at a stage."""
        return [
            assignment
            for assignment in self.assignments
            if assignment.package == package.number
            and assignment.member == self.member.id
            and assignment.stage is stage
            and assignment.state is not AssignmentState.RETURNED
        ]

    def is_own(self, package: Package) -> bool:
        labeled = self.past(package, Stage.LABEL)
        if self.stage is Stage.LABEL:
            return any(assignment.round == package.round for assignment in labeled)
        assert isinstance(self.rule, Inspect | Accept)
        if labeled and not self.rule.allow_own_work:
            return True
        if not isinstance(self.rule, Accept) or self.rule.allow_own_review:
            return False
        return any(each.authored for each in self.past(package, Stage.INSPECT))

    def can_take_over(self, assignment: Assignment) -> bool:
        package = self.packages[assignment.package]
        again = any(past.round == package.round for past in self.past(package, self.stage))
        return not again and not self.is_own(package)


TestAgreement = Agreement.TestCase
TestAgreement.settings = settings(
    max_examples=int(os.environ.get("ITAGFLOW_WALKS", "20")),
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
