"""The three pages of those who label, inspect and accept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body, HTTPException, Request
from pydantic import BaseModel, Field

from itagflow import Answer, Assignment, AssignmentState, Crew, Flow, Job, Stage, Workspace
from itagflow.json import from_json, to_json

from .sessions import Account

router = APIRouter(prefix="/api")
Version = Annotated[int | None, Field(ge=0)]
Seconds = Annotated[float | None, Field(ge=0, le=86_400)]
Words = Annotated[str, Field(max_length=5_000)]


class Save(BaseModel):
    """The answer to a task; or whose vote is taken over, where somebody decides."""

    replies: dict[str, Any] | None = None
    draft: bool = False
    pick: str | None = None
    expected_version: Version = None
    seconds: Seconds = None


class Judgment(BaseModel):
    """What a reviewer says of a task: right, unless *wrong* or *reason* is given."""

    wrong: Words | None = None
    reason: Words | None = None
    discard_modification: bool = False
    expected_version: Version = None
    seconds: Seconds = None


class Note(BaseModel):
    """Why somebody abandons, escalates or releases something."""

    comment: Words = ""
    reason: Words = ""
    expected_version: Version = None


class Ending(BaseModel):
    """How an assignment is ended."""

    comment: Words = ""
    reason: Words | None = None
    whole: bool = False
    seconds: Seconds = None
    ignore_drafts: bool = False
    rest: str | None = None


class Entry(BaseModel):
    """What somebody says about a task, in a new thread or in one that there is."""

    text: Words
    thread: str | None = None


def get_flow(request: Request) -> Flow:
    """Return the Flow of the app."""
    flow: Flow = request.app.state.flow
    return flow


@router.get("/work/{stage}")
def show_work(request: Request, stage: Stage, account: Account) -> dict[str, Any]:
    """Show what there is to grab at a stage, and what the member has already."""
    flow, workspace = get_flow(request), request.app.state.workspace
    jobs = [
        job for job, at in flow.available(account, workspace=workspace, by=account) if at is stage
    ]
    available = [_describe_job(flow, job, account) for job in jobs]
    available += _list_unread(flow, workspace, stage, account, {job.id for job in jobs})
    mine = [
        {
            **to_json(assignment, flow),
            **_describe_job_of(flow, assignment, account),
        }
        for assignment in flow.assignments.list(account, workspace=workspace, by=account)
        if assignment.stage is stage
    ]
    return {"available": available, "mine": mine}


def _list_unread(
    flow: Flow, workspace: Workspace, stage: Stage, account: str, known: set[int]
) -> Iterator[dict[str, Any]]:
    """Yield jobs that ask their members to read a guideline first: before that, none is available."""
    for job in flow.jobs.list(workspace, state="running", by=account):
        is_asked = stage in job.workflow.stages and job.workflow.rule(stage).acknowledge
        if is_asked and job.id not in known and flow.can(account, stage.value, job, by=account):
            why = flow.explain(account, job, stage, by=account)
            yield {**_describe_job(flow, job, account), "explained": why}


def _describe_job_of(flow: Flow, assignment: Assignment, account: str) -> dict[str, Any]:
    job = flow.jobs.get(assignment.job, by=account)
    return {"job_name": job.name, "guideline": job.guideline}


def _describe_job(flow: Flow, job: Job, account: str) -> dict[str, Any]:
    progress = flow.jobs.progress(job, by=account)
    shown = {"id": job.id, "name": job.name, "guideline": job.guideline, "due_at": job.due_at}
    described: dict[str, Any] = to_json(shown)
    return {**described, "id": str(job.id), "done": progress.done, "total": progress.total}


@router.post("/jobs/{job}/claim/{stage}")
def claim(
    request: Request,
    job: int,
    stage: Stage,
    account: Account,
    token: Annotated[str, Body(max_length=100)] = "",
    package: Annotated[int | None, Body()] = None,
) -> dict[str, Any]:
    """Grab an assignment, or say why there is none; a request sent twice grabs one."""
    flow = get_flow(request)
    claimed = flow.claim(account, job, stage, token=token, package=package)
    reason = "" if claimed else flow.explain(account, job, stage, by=account)
    return {"assignment": to_json(claimed, flow), "reason": reason}


@router.post("/jobs/{job}/acknowledge", status_code=204)
def acknowledge(request: Request, job: int, account: Account) -> None:
    """Note that the member has read the guideline."""
    get_flow(request).acknowledge(account, job)


@router.get("/jobs/{job}/assignments/{assignment}")
def show_assignment(
    request: Request, job: int, assignment: int, account: Account
) -> dict[str, Any]:
    """Show an assignment with all that its screen needs; also after the page is loaded again."""
    flow = get_flow(request)
    shown = flow.assignments.get((job, assignment), by=account)
    found = flow.jobs.get(job, by=account)
    template = flow.templates.get(found)
    return {
        "assignment": to_json(shown, flow),
        "job": _describe_job(flow, found, account),
        "template": template.describe(),
        "items": to_json(flow.tasks(shown, by=account), flow),
        "rules": _describe_rules(found, shown),
    }


def _describe_rules(job: Job, assignment: Assignment) -> dict[str, Any]:
    rule = job.workflow.rule(assignment.stage)
    return {
        "reasons": list(getattr(rule, "reasons", ())),
        "can_escalate": bool(job.workforce.get(Crew.EXPERTS)),
        "can_hand_in_part": bool(getattr(rule, "allow_partial", False)),
        "is_held": assignment.state is AssignmentState.HELD,
    }


TASK = "/jobs/{job}/assignments/{assignment}/tasks/{task}"


@router.put(TASK)
def save(
    request: Request, job: int, assignment: int, task: int, sent: Save, account: Account
) -> dict[str, Any]:
    """Save an answer or a draft; at a review stage, the reviewer's own answer."""
    flow, ref = get_flow(request), (job, assignment)
    terms = {"expected_version": sent.expected_version, "seconds": sent.seconds, "by": account}
    if sent.pick is not None:
        vote = _find_vote(flow, ref, task, sent.pick, account)
        answer = flow.save(ref, task, pick=vote, **terms)
        return _describe_answer(flow, answer)
    replies = from_json("Replies", sent.replies)
    if flow.assignments.get(ref, by=account).stage is Stage.LABEL:
        answer = flow.save(ref, task, replies, draft=sent.draft, **terms)
    else:
        answer = flow.modify(ref, task, replies, **terms)
    return _describe_answer(flow, answer)


def _find_vote(flow: Flow, ref: tuple[int, int], task: int, pick: str, account: str) -> Answer:
    for item in flow.tasks(ref, by=account):
        for vote in item.votes if item.task.number == task else ():
            if str(vote.assignment) == pick:
                return vote
    raise HTTPException(404, "there is no such vote")


def _describe_answer(flow: Flow, answer: Answer) -> dict[str, Any]:
    described: dict[str, Any] = to_json(answer, flow)
    return described


@router.post(TASK + "/abandon")
def abandon(
    request: Request, job: int, assignment: int, task: int, sent: Note, account: Account
) -> dict[str, Any]:
    """Abandon a task, with a reason."""
    flow = get_flow(request)
    reason, expected = sent.reason or sent.comment, sent.expected_version
    ref = (job, assignment)
    answer = flow.abandon(ref, task, reason, expected_version=expected, by=account)
    return _describe_answer(flow, answer)


@router.post(TASK + "/restore")
def restore(
    request: Request, job: int, assignment: int, task: int, account: Account
) -> dict[str, Any]:
    """Undo that a task was abandoned."""
    flow = get_flow(request)
    return _describe_answer(flow, flow.restore((job, assignment), task, by=account))


@router.post(TASK + "/escalate")
def escalate(
    request: Request, job: int, assignment: int, task: int, sent: Note, account: Account
) -> dict[str, Any]:
    """Hand a task to the experts."""
    flow, ref = get_flow(request), (job, assignment)
    answer = flow.escalate(ref, task, comment=sent.comment, reason=sent.reason, by=account)
    return _describe_answer(flow, answer)


@router.post(TASK + "/judge")
def judge(
    request: Request, job: int, assignment: int, task: int, sent: Judgment, account: Account
) -> dict[str, Any]:
    """Judge a task right or wrong."""
    flow, said = get_flow(request), sent.model_dump()
    return _describe_answer(flow, flow.judge((job, assignment), task, by=account, **said))


@router.post("/jobs/{job}/tasks/{task}/comments")
def comment(
    request: Request, job: int, task: int, sent: Entry, account: Account
) -> list[dict[str, Any]]:
    """Say something about a task, and return what has been said."""
    flow = get_flow(request)
    thread = None
    if sent.thread is not None:
        thread = _find_thread(flow, job, task, sent.thread, account)
    flow.comments.add((job, task), sent.text, thread=thread, by=account)
    return _list_threads(flow, job, task, account)


@router.post("/jobs/{job}/tasks/{task}/comments/{thread}/resolve")
def resolve(
    request: Request, job: int, task: int, thread: str, account: Account
) -> list[dict[str, Any]]:
    """Close a thread, and return what has been said."""
    flow = get_flow(request)
    flow.comments.resolve(_find_thread(flow, job, task, thread, account), by=account)
    return _list_threads(flow, job, task, account)


def _find_thread(flow: Flow, job: int, task: int, thread: str, account: str) -> Any:
    for each in flow.comments.list(job, task=task, by=account):
        if str(each.id) == thread:
            return each
    raise HTTPException(404, "there is no such thread")


def _list_threads(flow: Flow, job: int, task: int, account: str) -> list[dict[str, Any]]:
    threads: Sequence[dict[str, Any]]
    threads = to_json(flow.comments.list(job, task=task, by=account), flow)
    return list(threads)


ASSIGNMENT = "/jobs/{job}/assignments/{assignment}"


@router.post(ASSIGNMENT + "/renew")
def renew(request: Request, job: int, assignment: int, account: Account) -> dict[str, Any]:
    """Renew the lease: the page asks for it while it is open."""
    return _end(request, lambda flow: flow.renew((job, assignment), by=account))


@router.post(ASSIGNMENT + "/release")
def release(
    request: Request, job: int, assignment: int, sent: Note, account: Account
) -> dict[str, Any]:
    """Give an assignment back to the queue, or decline an offer."""
    comment = sent.comment
    return _end(request, lambda flow: flow.release((job, assignment), comment=comment, by=account))


@router.post(ASSIGNMENT + "/submit")
def submit(
    request: Request, job: int, assignment: int, sent: Ending, account: Account
) -> dict[str, Any]:
    """Submit what is labeled."""
    how = {"seconds": sent.seconds, "ignore_drafts": sent.ignore_drafts, "rest": sent.rest}
    return _end(request, lambda flow: flow.submit((job, assignment), by=account, **how))


@router.post(ASSIGNMENT + "/review")
def review(
    request: Request, job: int, assignment: int, sent: Ending, account: Account
) -> dict[str, Any]:
    """Let a package pass at inspection."""
    seconds = sent.seconds
    return _end(request, lambda flow: flow.review((job, assignment), seconds=seconds, by=account))


@router.post(ASSIGNMENT + "/accept")
def accept(
    request: Request, job: int, assignment: int, sent: Ending, account: Account
) -> dict[str, Any]:
    """Let a package pass at acceptance."""
    seconds = sent.seconds
    return _end(request, lambda flow: flow.accept((job, assignment), seconds=seconds, by=account))


@router.post(ASSIGNMENT + "/reject")
def reject(
    request: Request, job: int, assignment: int, sent: Ending, account: Account
) -> dict[str, Any]:
    """Send back what is judged wrong, or the whole package."""
    how = sent.model_dump(include={"comment", "reason", "whole", "seconds"})
    return _end(request, lambda flow: flow.reject((job, assignment), by=account, **how))


def _end(request: Request, verb: Callable[[Flow], Assignment]) -> dict[str, Any]:
    flow = get_flow(request)
    described: dict[str, Any] = to_json(verb(flow), flow)
    return described
