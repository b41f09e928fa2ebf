"""A workspace with work in every state, the public names, and a call of each of them."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable
from datetime import timedelta
from functools import cache, partial
from typing import Any

import attrs

import itagflow
from itagflow import (
    Accept,
    Assignment,
    Choice,
    Crew,
    FixedSize,
    Flow,
    Inspect,
    Job,
    Label,
    Package,
    Role,
    Selection,
    Stage,
    Task,
    Workflow,
    maintenance,
    templates,
)
from itagflow.access import Action, Permission
from itagflow.model import BatchResult, Comment, Export, Lot
from itagflow.quality import SinglePlan
from itagflow.storage import FIELDS, MemoryStore, Query
from itagflow.templates import RenameOption
from support.scenes import START, rows, taken

CATS = templates.image_classification(["cat", "dog"])
LEASE = timedelta(hours=1)


@attrs.frozen
class Args:
    """The arguments of a call; they belong together, unless one is replaced by something else."""

    by: Any = "ada"
    workspace: Any = "street"
    member: Any = "ben"
    job: Any = None
    draft: Any = None
    assignment: Any = None
    review: Any = None
    acceptance: Any = None
    given_up: Any = None
    free: Any = None
    closed: Any = None
    task: Any = None
    reviewed: Any = None
    rated: Any = None
    planned: Any = None
    in_lots: Any = None
    template: Any = None
    said: Any = None


@attrs.frozen
class Town:
    """Two workspaces: street, where the work is, and alley, from where strangers come."""

    args: Args
    strangers: dict[str, Any]
    """By kind: who is no good as *by*."""
    others: dict[str, dict[str, Any]]
    """By kind, and by the name of an argument: what is no good there."""


def a_town(flow: Flow) -> Town:
    street = flow.workspaces.create("street", admin="ada")
    alley = flow.workspaces.create("alley", admin="mallory")
    for name in ("ben", "cy", "di", "olga", "rob", "zed"):
        flow.members.add(street, name, Role.OPERATOR, by="ada")
    flow.members.add(street, "lea", Role.LEADER, by="ada")
    flow.members.add(street, "eve", Role.VIEWER, by="ada")
    flow.members.add(street, "ex", Role.OPERATOR, external=True, by="ada")
    asked = flow.templates.add(street, CATS, name="asked", by="ada")
    strange = flow.templates.add(alley, CATS, name="strange", by="mallory")
    job = _job(flow, street, "cats", asked, 8)
    birds = _job(flow, street, "birds", asked, 8)
    dogs = flow.jobs.create(alley, "dogs", template=strange, data=rows(2), by="mallory")
    draft = flow.jobs.create(street, "draft", template=asked, data=rows(1), by="ada", draft=True)
    old = taken(flow, "rob", job)
    flow.release(old)
    rob = flow.members.remove(street, "rob", by="ada")
    here, there = _work(flow, job), _work(flow, birds)
    ben = next(member for member in flow.members.list(street) if member.account == "ben")
    mallory = next(flow.members.list(alley))
    args = Args(job=job, draft=draft, template=asked, **here)
    people = {
        "another workspace's member by name": "mallory",
        "another workspace's member by key": mallory.id,
        "another workspace's member as an object": mallory,
        "a removed member": rob,
        "a viewer": "eve",
        "an external member whom no job names": "ex",
        "an operator whom the job does not name": "olga",
        "a leader whom the job names for another stage": "lea",
    }
    mine = {
        name: value for name, value in attrs.asdict(args, recurse=False).items() if name in here
    }
    forged = {name: _forged(value, there[name]) for name, value in mine.items()}
    stale = {name: attrs.evolve(value, **_other(value)) for name, value in mine.items()}
    earlier = street.created_at - timedelta(days=1)
    stale |= {
        "job": attrs.evolve(job, created_at=earlier),
        "draft": attrs.evolve(draft, workspace=alley.id),
        "workspace": attrs.evolve(street, created_at=earlier),
        "member": attrs.evolve(ben, workspace=alley.id),
        "template": attrs.evolve(asked, workspace=alley.id),
    }
    forged |= dict.fromkeys(("job", "draft", "workspace", "member", "template"), 2**70)
    elsewhere = {
        **there,
        "member": mallory,
        "template": strange,
        "in_lots": dogs,
    }
    return Town(
        args,
        people,
        {"forged": forged, "stale": stale, "another's": elsewhere, "far": {"job": dogs}},
    )


def _job(
    flow: Flow, street: itagflow.Workspace, name: str, asked: itagflow.Template, tasks: int
) -> Job:
    return flow.jobs.create(
        street,
        name,
        template=asked,
        data=rows(tasks),
        workflow=Workflow(Label(lease=LEASE), Inspect(), Accept()),
        packaging=FixedSize(1),
        workforce={
            Stage.LABEL: ["ben", "cy", "rob"],
            Stage.INSPECT: ["di", "lea"],
            Stage.ACCEPT: ["ada"],
            Crew.EXPERTS: ["zed"],
        },
        guideline="look",
        by="ada",
    )


def _work(flow: Flow, job: Job) -> dict[str, Any]:
    """Put work at every stage, held by ben and di, or by cy and lea in the other job."""
    ben, di = ("ben", "di") if job.name == "cats" else ("cy", "lea")
    for stage, holder in ((Stage.INSPECT, di), (Stage.INSPECT, di), (Stage.ACCEPT, "ada")):
        assignment = taken(flow, ben, job)
        flow.save_many(assignment, [(item, Choice("cat")) for item in flow.tasks(assignment)])
        flow.submit(assignment)
        if stage is Stage.ACCEPT:
            flow.review(taken(flow, holder if holder != "ada" else di, job, Stage.INSPECT))
    acceptance = taken(flow, "ada", job, Stage.ACCEPT)
    review = taken(flow, di, job, Stage.INSPECT)
    assignment = taken(flow, ben, job)
    (item,) = flow.tasks(assignment)
    flow.save(assignment, item, Choice("dog"))
    given_up = taken(flow, ben, job)
    (other,) = flow.tasks(given_up)
    flow.save(given_up, other, Choice("dog"))
    flow.abandon(given_up, other, "dark")
    packages = list(flow.packages.list(job))
    closed = flow.packages.discard(packages[-1], by="ada")
    return {
        "assignment": flow.assignments.get(assignment),
        "review": review,
        "acceptance": acceptance,
        "given_up": flow.assignments.get(given_up),
        "free": packages[-2],
        "closed": closed,
        "task": item.task,
        "reviewed": next(flow.tasks(review)).task,
        "said": flow.comments.add(item, "is it one?", by=ben),
        "rated": _rate(flow, job),
        "planned": _plan(flow, job, ben, di),
        "in_lots": _gather(flow, job, ben),
    }


def _rate(flow: Flow, job: Job) -> Task:
    """A task of a job like *job*, on which two members vote and a third one may."""
    rated = flow.jobs.create(
        job.workspace,
        f"{job.name}-rated",
        template=CATS,
        data=rows(1),
        workflow=Workflow(Label(votes=2), Inspect()),
        workforce={Stage.LABEL: ["ben", "cy", "di"], Stage.INSPECT: ["lea"]},
        by="ada",
    )
    return flow.results.get(rated, 1).task


def _plan(flow: Flow, job: Job, labeler: str, inspector: str) -> Assignment:
    """A review, in a job like *job*, of a package on which an acceptance plan decides."""
    planned = flow.jobs.create(
        job.workspace,
        f"{job.name}-planned",
        template=CATS,
        data=rows(1),
        workflow=Workflow(Label(), Inspect(plan=SinglePlan(1, 0))),
        workforce={Stage.LABEL: [labeler], Stage.INSPECT: [inspector]},
        by="ada",
    )
    assignment = taken(flow, labeler, planned)
    flow.save(assignment, 1, Choice("cat"))
    flow.submit(assignment)
    return taken(flow, inspector, planned, Stage.INSPECT)


def _gather(flow: Flow, job: Job, labeler: str) -> Job:
    """A job like *job* whose first two packages are lots that have closed."""
    gathering = flow.jobs.create(
        job.workspace,
        f"{job.name}-in-lots",
        template=CATS,
        data=rows(3),
        workflow=Workflow(Label(), Accept(plan=SinglePlan(1, 0), lot=Lot(packages=1))),
        packaging=FixedSize(1),
        workforce={Stage.LABEL: [labeler], Stage.ACCEPT: ["ada"]},
        by="ada",
    )
    for number in (1, 2):
        assignment = taken(flow, labeler, gathering)
        flow.save(assignment, number, Choice("cat"))
        flow.submit(assignment)
    return gathering


def _forged(value: Any, there: Any) -> Any:
    """A pair of what does not belong together, or what is no pair at all."""
    if isinstance(value, Assignment):
        return (value.job, there.id)
    if isinstance(value, Package):
        return (value.job, 999)
    if isinstance(value, Comment):
        return attrs.evolve(value, thread=there.thread)
    assert isinstance(value, Task | Job)
    return 2**70


def _other(value: Any) -> dict[str, Any]:
    """Other values for fields that never change, as if the key had been used again."""
    match value:
        case Assignment():
            return {"made_at": value.made_at - timedelta(days=1)}
        case Package():
            return {"value": "another"}
        case Comment():
            return {"task": 999}
        case Job():
            return {"created_at": value.created_at - timedelta(days=1)}
        case _:
            return {"package": value.package + 1}


@attrs.frozen
class Case:
    """How a public name is called."""

    call: Callable[[Flow, Args], Any]
    takes: tuple[str, ...] = ()
    """The arguments of `Args` that a stranger can replace by something else."""
    open_to: tuple[str, ...] = ()
    """Who else may: ``viewer`` and ``leader``, perhaps also ``external`` and ``operator``."""
    by: str = "ada"
    """Who does it rightly: ada, or the holder of what the call is about."""
    anywhere: tuple[str, ...] = ()
    """The arguments that may be another's: ada may do it there too."""


def bulk(found: list[BatchResult]) -> list[BatchResult]:
    """The results of a bulk call that succeeded; its refusals are not raised."""
    return [result for result in found if result.error is None]


def listed_exports(flow: Flow, a: Args) -> list[Export]:
    """The exports of a job, of which there is one at least."""
    flow.results.export(a.job, "itag", io.BytesIO(), by=a.by)
    return list(flow.results.exports(a.job, by=a.by))


def data(flow: Flow, a: Args) -> Any:
    return flow.jobs.import_results(
        a.workspace,
        "new",
        template=a.template,
        data=[{"data": {"source": "a"}, "label-7": BLOCK}],
        by=a.by,
    )


BLOCK = {"results": [{"questionId": "1", "data": "cat", "markTitle": "x", "type": "survey/value"}]}
READS = ("viewer", "leader")
EVERYBODY_THERE = (*READS, "external", "operator")
ASSIGNMENT, REVIEW, GIVEN_UP, ACCEPTANCE = (
    ("assignment",),
    ("review",),
    ("given_up",),
    ("acceptance",),
)

READERS: dict[str, Case] = {
    "workspaces.get": Case(
        lambda f, a: f.workspaces.get(a.workspace, by=a.by), ("workspace",), EVERYBODY_THERE
    ),
    "workspaces.list": Case(
        lambda f, a: [home for home in f.workspaces.list(by=a.by) if home.name == "street"],
        (),
        EVERYBODY_THERE,
    ),
    "members.get": Case(
        lambda f, a: f.members.get(a.workspace, a.member, by=a.by),
        ("workspace", "member"),
        ("viewer",),
    ),
    "packages.get": Case(
        lambda f, a: f.packages.get(a.free, by=a.by), ("free",), READS, anywhere=("free",)
    ),
    "comments.list": Case(lambda f, a: list(f.comments.list(a.job, by=a.by)), ("job",), READS),
    "results.rows": Case(lambda f, a: list(f.results.rows(a.job, by=a.by)), ("job",), READS),
    "results.to_arrow": Case(lambda f, a: f.results.to_arrow(a.job, by=a.by), ("job",), READS),
    "jobs.get": Case(lambda f, a: f.jobs.get(a.job, by=a.by), ("job",), READS),
    "jobs.list": Case(lambda f, a: list(f.jobs.list(a.workspace, by=a.by)), ("workspace",), READS),
    "templates.get": Case(lambda f, a: f.templates.get(a.job, by=a.by), ("job",), READS),
    "templates.list": Case(
        lambda f, a: list(f.templates.list(a.workspace, by=a.by)), ("workspace",), READS
    ),
    "packages.list": Case(lambda f, a: list(f.packages.list(a.job, by=a.by)), ("job",), READS),
    "assignments.get": Case(
        lambda f, a: f.assignments.get(a.assignment, by=a.by),
        ASSIGNMENT,
        READS,
        anywhere=ASSIGNMENT,
    ),
    "assignments.list": Case(
        lambda f, a: list(f.assignments.list(a.member, job=a.job, by=a.by)),
        ("member", "job"),
        READS,
    ),
    "available": Case(
        lambda f, a: list(f.available(a.member, workspace=a.workspace, by=a.by)),
        ("member", "workspace"),
        READS,
    ),
    "results.partition": Case(lambda f, a: f.results.partition(a.job, 2, by=a.by), ("job",), READS),
    "jobs.progress": Case(lambda f, a: f.jobs.progress(a.job, by=a.by), ("job",), READS),
    "jobs.load_report": Case(lambda f, a: f.jobs.load_report(a.job, by=a.by), ("job",), READS),
    "jobs.queue": Case(lambda f, a: f.jobs.queue(a.job, by=a.by), ("job",), READS),
    "lots.list": Case(
        lambda f, a: list(f.lots.list(a.in_lots, by=a.by)), ("in_lots",), ("viewer",)
    ),
    "lots.get": Case(lambda f, a: f.lots.get(a.in_lots, 1, by=a.by), ("in_lots",), ("viewer",)),
    # nothing is stuck in the job: that nothing is refused is what the call comes to
    "jobs.blocked": Case(
        lambda f, a: ("blocked", list(f.jobs.blocked(a.job, by=a.by))), ("job",), READS
    ),
    "results.get": Case(
        lambda f, a: f.results.get(in_job(a), by=a.by), ("task",), READS, anywhere=("task",)
    ),
    # one member labels a package of the job: that nothing is refused is what the call comes to
    "results.votes": Case(
        lambda f, a: ("votes", list(f.results.votes(a.job, by=a.by))), ("job",), READS
    ),
    "quality.labels": Case(lambda f, a: f.quality.labels(a.job, by=a.by), ("job",), READS),
    "quality.agreement": Case(lambda f, a: f.quality.agreement(a.job, by=a.by), ("job",), READS),
    "quality.truth": Case(lambda f, a: f.quality.truth(a.job, by=a.by), ("job",), READS),
    "quality.position_bias": Case(
        lambda f, a: [f.quality.position_bias(a.job, by=a.by)], ("job",), READS
    ),
    "quality.error_left": Case(lambda f, a: f.quality.error_left(a.job, by=a.by), ("job",), READS),
    "quality.work": Case(
        lambda f, a: f.quality.work(a.workspace, per=("member", "job"), by=a.by),
        ("workspace",),
        READS,
    ),
    "quality.statement": Case(
        lambda f, a: f.quality.statement(a.workspace, {}, by=a.by), ("workspace",), READS
    ),
    "quality.forecast": Case(lambda f, a: f.quality.forecast(a.job, by=a.by), ("job",), READS),
    "quality.statistics": Case(
        lambda f, a: [f.quality.statistics(a.job, of=of, by=a.by) for of in ("job", "member")],
        ("job",),
        READS,
    ),
    "jobs.guidelines": Case(lambda f, a: f.jobs.guidelines(a.job, by=a.by), ("job",), READS),
    "results.versions": Case(
        lambda f, a: f.results.versions(in_job(a), by=a.by), ("task",), READS, anywhere=("task",)
    ),
    "results.list": Case(lambda f, a: list(f.results.list(a.job, by=a.by)), ("job",), READS),
    "results.follow": Case(
        lambda f, a: list(f.results.follow(a.job, became=None, timeout=0, by=a.by)), ("job",), READS
    ),
    # it may not be done yet: that nothing is refused is what the call comes to
    "results.wait": Case(
        lambda f, a: ("ended", f.results.wait(in_job(a), timeout=0, by=a.by)),
        ("task",),
        READS,
        anywhere=("task",),
    ),
    "results.find": Case(
        lambda f, a: list(f.results.find(a.job, member=a.member, by=a.by)), ("job", "member"), READS
    ),
    "events.list": Case(
        lambda f, a: list(f.events.list(a.job, package=a.closed, by=a.by)), ("job", "closed"), READS
    ),
    "events.since": Case(
        lambda f, a: list(f.events.since(workspace=a.workspace, by=a.by)), ("workspace",), READS
    ),
    "events.follow": Case(
        lambda f, a: list(f.events.follow(workspace=a.workspace, timeout=0, by=a.by)),
        ("workspace",),
        READS,
    ),
    "members.list": Case(
        lambda f, a: [m for m in f.members.list(a.workspace, by=a.by) if m.account != a.by],
        ("workspace",),
        ("viewer",),
    ),
    "can": Case(
        lambda f, a: f.can(a.member, Action.LABEL, a.job, by=a.by), ("member", "job"), READS
    ),
    "explain": Case(
        lambda f, a: f.explain(a.member, a.job, Stage.LABEL, by=a.by), ("member", "job"), READS
    ),
    "tasks": Case(lambda f, a: list(f.tasks(a.assignment, by=a.by)), ASSIGNMENT, by="ben"),
    "maintenance.verify": Case(lambda f, a: verified(f, a), ("job",)),
    "results.export": Case(
        lambda f, a: f.results.export(a.job, "itag", io.BytesIO(), by=a.by), ("job",)
    ),
    "results.exports": Case(lambda f, a: listed_exports(f, a), ("job",)),
    "maintenance.copy": Case(
        lambda f, a: maintenance.copy(f, to=MemoryStore(), workspace=a.workspace, by=a.by),
        ("workspace",),
    ),
}

VERBS: dict[str, Case] = {
    "claim": Case(lambda f, a: f.claim(a.by, a.job, Stage.LABEL), ("job",), by="ben"),
    "claim_many": Case(lambda f, a: f.claim_many(a.by, a.job, Stage.LABEL, 2), ("job",), by="ben"),
    "acknowledge": Case(lambda f, a: f.acknowledge(a.by, a.job), ("job",), READS, by="ben"),
    "renew": Case(lambda f, a: f.renew(a.assignment, by=a.by), ASSIGNMENT, by="ben"),
    "release": Case(lambda f, a: f.release(a.assignment, by=a.by), ASSIGNMENT, by="ben"),
    "release_many": Case(
        lambda f, a: bulk(f.release_many([a.assignment], by=a.by)), ASSIGNMENT, by="ben"
    ),
    "assignments.assign": Case(
        lambda f, a: f.assignments.assign(a.free, a.member, by=a.by),
        ("free", "member"),
        anywhere=("free",),
    ),
    "assignments.assign_many": Case(
        lambda f, a: bulk(f.assignments.assign_many([a.free], a.member, by=a.by)),
        ("free", "member"),
        anywhere=("free",),
    ),
    "assignments.reassign": Case(
        lambda f, a: f.assignments.reassign(a.assignment, "cy", by=a.by),
        ASSIGNMENT,
        anywhere=ASSIGNMENT,
    ),
    "assignments.expire": Case(
        lambda f, a: f.assignments.expire(a.job, by=a.by), ("job",), ("leader",)
    ),
    "comments.add": Case(
        lambda f, a: f.comments.add(in_job(a), "so", by=a.by), ("task",), READS, anywhere=("task",)
    ),
    "comments.resolve": Case(
        lambda f, a: f.comments.resolve(a.said, by=a.by), ("said",), READS, anywhere=("said",)
    ),
    "comments.reopen": Case(
        lambda f, a: f.comments.reopen(a.said, by=a.by), ("said",), READS, anywhere=("said",)
    ),
    "packages.ask_again": Case(
        lambda f, a: f.packages.ask_again([in_rated_job(a)], by=a.by),
        ("rated",),
        anywhere=("rated",),
    ),
    "packages.prioritize": Case(
        lambda f, a: f.packages.prioritize(a.job, 3, packages=[a.free], by=a.by), ("job", "free")
    ),
    "packages.set_due": Case(
        lambda f, a: f.packages.set_due(a.job, START, packages=[a.free], by=a.by), ("job", "free")
    ),
    # which jobs it looks at is what the call comes to
    "tick": Case(lambda f, a: f.tick(a.workspace, by=a.by), ("workspace",)),
    "save": Case(
        lambda f, a: f.save(a.assignment, a.task, Choice("cat"), by=a.by),
        ("assignment", "task"),
        by="ben",
    ),
    "save_many": Case(
        lambda f, a: f.save_many(a.assignment, [(a.task, Choice("cat"))], by=a.by),
        ("assignment", "task"),
        by="ben",
    ),
    "abandon": Case(
        lambda f, a: f.abandon(a.assignment, a.task, "dark", by=a.by),
        ("assignment", "task"),
        by="ben",
    ),
    "results.restore_version": Case(
        lambda f, a: f.results.restore_version(
            a.assignment, a.task, f.results.versions(a.task)[0], by=a.by
        ),
        ("assignment",),
        by="ben",
    ),
    "escalate": Case(
        lambda f, a: f.escalate(a.assignment, a.task, by=a.by), ("assignment", "task"), by="ben"
    ),
    "restore": Case(lambda f, a: restored(f, a), GIVEN_UP, by="ben"),
    "submit": Case(lambda f, a: f.submit(a.assignment, by=a.by), ASSIGNMENT, by="ben"),
    "judge": Case(
        lambda f, a: f.judge(a.review, a.reviewed, wrong="no", by=a.by),
        ("review", "reviewed"),
        by="di",
    ),
    "modify": Case(
        lambda f, a: f.modify(a.review, a.reviewed, Choice("dog"), by=a.by),
        ("review", "reviewed"),
        by="di",
    ),
    # nothing waits there: that nothing is refused is what the call comes to
    "lots.close": Case(lambda f, a: ("closed", f.lots.close(a.in_lots, by=a.by)), ("in_lots",)),
    "plan_verdict": Case(lambda f, a: f.plan_verdict(a.planned, by=a.by), ("planned",), by="di"),
    "review": Case(lambda f, a: f.review(a.review, by=a.by), REVIEW, by="di"),
    "review_many": Case(lambda f, a: bulk(f.review_many([a.review], by=a.by)), REVIEW, by="di"),
    "reject": Case(
        lambda f, a: f.reject(a.review, tasks=[a.reviewed], comment="no", by=a.by),
        ("review", "reviewed"),
        by="di",
    ),
    "reject_many": Case(
        lambda f, a: bulk(f.reject_many([a.review], comment="no", whole=True, by=a.by)),
        REVIEW,
        by="di",
    ),
    "accept": Case(lambda f, a: f.accept(a.acceptance, by=a.by), ACCEPTANCE, anywhere=ACCEPTANCE),
    "accept_many": Case(
        lambda f, a: bulk(f.accept_many([a.acceptance], by=a.by)), ACCEPTANCE, anywhere=ACCEPTANCE
    ),
    "members.add": Case(
        lambda f, a: f.members.add(a.workspace, "new", Role.OPERATOR, by=a.by), ("workspace",)
    ),
    "members.set_role": Case(
        lambda f, a: f.members.set_role(a.workspace, a.member, Role.LEADER, by=a.by),
        ("workspace", "member"),
    ),
    "members.set_skills": Case(
        lambda f, a: f.members.set_skills(a.workspace, a.member, {"lang:de": 1}, by=a.by),
        ("workspace", "member"),
    ),
    "members.pause": Case(
        lambda f, a: f.members.pause(a.workspace, a.member, by=a.by), ("workspace", "member")
    ),
    "members.resume": Case(
        lambda f, a: f.members.resume(a.workspace, a.member, by=a.by), ("workspace", "member")
    ),
    "members.remove": Case(
        lambda f, a: f.members.remove(a.workspace, a.member, by=a.by), ("workspace", "member")
    ),
    "maintenance.erase_member": Case(
        lambda f, a: maintenance.erase_member(f, a.workspace, erasable(a), by=a.by),
        ("workspace", "member"),
    ),
    "maintenance.erase_task": Case(
        lambda f, a: maintenance.erase_task(f, in_job(a), by=a.by), ("task",), anywhere=("task",)
    ),
    "maintenance.erase_where": Case(
        lambda f, a: maintenance.erase_where(
            f, a.workspace, field="source", equals="1.jpg", by=a.by
        ),
        ("workspace",),
    ),
    "workspaces.rename": Case(
        lambda f, a: f.workspaces.rename(a.workspace, "avenue", by=a.by), ("workspace",)
    ),
    "templates.add": Case(
        lambda f, a: f.templates.add(a.workspace, CATS, name="new", by=a.by), ("workspace",)
    ),
    "jobs.create": Case(
        lambda f, a: f.jobs.create(
            a.workspace,
            "new",
            template=a.template,
            data=rows(1),
            workforce={Stage.LABEL: [a.member]},
            by=a.by,
        ),
        ("workspace", "template", "member"),
    ),
    "jobs.check": Case(
        lambda f, a: f.jobs.check(
            a.workspace,
            "new",
            template=a.template,
            data=rows(1),
            workforce={Stage.LABEL: [a.member]},
            by=a.by,
        ),
        ("workspace", "template", "member"),
    ),
    "jobs.clone": Case(lambda f, a: f.jobs.clone(a.job, "new", by=a.by), ("job",)),
    "jobs.import_results": Case(data, ("workspace", "template")),
    "jobs.load": Case(lambda f, a: f.jobs.load(a.draft, rows(2), by=a.by), ("draft",)),
    "jobs.add": Case(lambda f, a: f.jobs.add(a.job, {"source": "1"}, by=a.by), ("job",)),
    "jobs.withdraw": Case(
        lambda f, a: f.jobs.withdraw(a.job, tasks=[a.task], by=a.by), ("job", "task")
    ),
    "jobs.append": Case(lambda f, a: f.jobs.append(a.job, rows(1), by=a.by), ("job",)),
    "jobs.publish": Case(lambda f, a: f.jobs.publish(a.draft, by=a.by), ("draft",)),
    "jobs.pause": Case(lambda f, a: f.jobs.pause(a.job, by=a.by), ("job",)),
    "jobs.resume": Case(lambda f, a: f.jobs.resume(a.job, by=a.by), ("job",)),
    "jobs.finish": Case(lambda f, a: f.jobs.finish(a.job, discard_open=True, by=a.by), ("job",)),
    "jobs.archive": Case(lambda f, a: f.jobs.archive(a.job, by=a.by), ("job",)),
    "jobs.delete": Case(lambda f, a: f.jobs.delete(a.draft, by=a.by) or "done", ("draft",)),
    "jobs.reopen": Case(
        lambda f, a: f.jobs.reopen(
            a.job, where=Selection(member=a.member), assign=a.member, by=a.by
        ),
        ("job", "member"),
    ),
    "packages.discard": Case(
        lambda f, a: f.packages.discard(a.free, by=a.by), ("free",), anywhere=("free",)
    ),
    "packages.reopen": Case(
        lambda f, a: f.packages.reopen(a.closed, by=a.by), ("closed",), anywhere=("closed",)
    ),
    "jobs.update": Case(lambda f, a: f.jobs.update(a.job, remark="new", by=a.by), ("job",)),
    "jobs.set_workforce": Case(
        lambda f, a: f.jobs.set_workforce(a.job, {Stage.LABEL: [a.member]}, by=a.by),
        ("job", "member"),
    ),
    "jobs.add_workers": Case(
        lambda f, a: f.jobs.add_workers(a.job, Stage.ACCEPT, [a.member], by=a.by), ("job", "member")
    ),
    "jobs.remove_workers": Case(
        lambda f, a: f.jobs.remove_workers(a.job, Stage.LABEL, [a.member], by=a.by),
        ("job", "member"),
    ),
    "jobs.set_validator": Case(lambda f, a: f.jobs.set_validator(a.job, None, by=a.by), ("job",)),
    "jobs.change_template": Case(
        lambda f, a: f.jobs.change_template(a.job, RenameOption("1", "cat", "puma"), by=a.by),
        ("job",),
    ),
    "jobs.prelabel": Case(
        lambda f, a: f.jobs.prelabel(a.job, lambda tasks: [None] * len(tasks), by=a.by), ("job",)
    ),
}

OF_THE_APPLICATION = {
    "close": "ends the Flow itself",
    "workspaces.create": "nobody is there yet who could be asked",
}
"""What no member calls, and why."""


def in_job(a: Args) -> Any:
    """A task as what is called with tasks of any job takes it."""
    return a.task if isinstance(a.task, Task) else (a.job.id, a.task)


def in_rated_job(a: Args) -> Any:
    """The same for a task of the job with votes."""
    return a.rated if isinstance(a.rated, Task) else (f"{a.job.name}-rated", a.rated)


def erasable(a: Args) -> Any:
    return "rob" if a.member == "ben" else a.member


def restored(flow: Flow, a: Args) -> Any:
    assignment = a.given_up
    number = (
        5
        if not isinstance(assignment, Assignment) or assignment.scope is None
        else assignment.scope[0]
    )
    return flow.restore(assignment, number, by=a.by)


def verified(flow: Flow, a: Args) -> Any:
    return [list(maintenance.verify(flow, a.job, by=a.by))]


def public_names(flow: Flow) -> dict[str, Any]:
    """What a Flow offers: its own names, those of its namespaces, and the functions of maintenance.

    A method comes bound to *flow*, and a function of maintenance with *flow* as its first argument.
    """
    found = dict[str, Any]()
    for name in _public(flow):
        value = getattr(flow, name)
        if type(value).__module__.startswith("itagflow.api."):
            found |= {f"{name}.{verb}": getattr(value, verb) for verb in _public(value)}
        else:
            found[name] = value
    public = (getattr(maintenance, name) for name in maintenance.__all__)
    for verb in filter(inspect.isfunction, public):
        found[f"maintenance.{verb.__name__}"] = partial(verb, flow)
    return found


@cache
def public_verbs() -> dict[str, Callable[..., Any]]:
    """The functions behind the public names that can be called, as they are written."""
    with itagflow.open("memory:") as flow:
        found = public_names(flow)
    return {
        name: value.func if isinstance(value, partial) else value.__func__
        for name, value in found.items()
        if isinstance(value, partial) or inspect.ismethod(value)
    }


def _public(value: object) -> list[str]:
    return [name for name in dir(value) if not name.startswith("_")]


def everything(flow: Flow) -> dict[str, list[Any]]:
    """All that is stored."""
    with flow.store.read() as reader:
        return {
            kind.__name__: sorted(reader.find(Query(kind)), key=lambda entity: entity.key)
            for kind in FIELDS
        }


def came_to(call: Callable[[], Any]) -> Any:
    """What a call returns, or the error of ours that it raises; any other error is a failure."""
    try:
        return call()
    except itagflow.ItagflowError as error:
        return error


def is_nothing(value: Any) -> bool:
    """Whether a call was refused, or has shown nothing."""
    return isinstance(value, itagflow.ItagflowError) or (
        not isinstance(value, Permission) and not value
    )
