"""The page of those who order the work: jobs, progress, members, and why nothing moves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import BaseModel, Field

from itagflow import (
    Accept,
    FixedSize,
    Flow,
    Inspect,
    Job,
    Label,
    Member,
    NotAllowed,
    Role,
    Stage,
    Template,
    Workflow,
    templates,
)
from itagflow.access import Action
from itagflow.json import from_json, to_json

from .media import MEDIA_TYPES, list_files
from .sessions import Account
from .work import get_flow

router = APIRouter(prefix="/api/manage")
MOST_SHOWN = 50
"""How many blocked packages a page shows."""
STARTERS = {
    "image classification": templates.image_classification,
    "object detection": templates.object_detection,
    "segmentation": templates.segmentation,
    "text classification": templates.text_classification,
    "entity recognition": templates.entity_recognition,
    "audio segmentation": templates.audio_segmentation,
}
"""The ready-made templates that the form offers; each takes labels."""
FORMATS = {"itag": "manifest", "jsonl": "jsonl", "csv": "csv", "coco": "json"}
"""The formats of an export, with the ending of the file."""
OPTIONS: dict[str, dict[str, Any]] = {
    # people open it in a spreadsheet
    "csv": {"headings": "english", "escape_formulas": True, "bom": True},
}
"""How some of these are written."""
Name = Annotated[str, Field(max_length=200)]


class NewJob(BaseModel):
    """What the form for a new job sends."""

    name: Name
    starter: str = "image classification"
    labels: list[Name] = Field(default_factory=list, max_length=200)
    template: dict[str, Any] | None = None
    """A template of one's own, as `itagflow.json` has it, instead of a starter."""
    rows: list[str | dict[str, Any]] = Field(max_length=10_000)
    """The data: texts and names of files, or whole objects."""
    guideline: Annotated[str, Field(max_length=20_000)] = ""
    package_size: Annotated[int, Field(ge=1, le=10_000)] = 10
    votes: Annotated[int, Field(ge=1, le=20)] = 1
    inspect_share: Annotated[float, Field(ge=0, le=1)] = 1
    accept: bool = True
    workforce: dict[Stage, list[Name]] = Field(default_factory=dict)


@router.get("/choices")
def show_choices(request: Request, account: Account) -> dict[str, Any]:
    """Show what the form for a new job has to choose from."""
    flow, workspace = get_flow(request), request.app.state.workspace
    return {
        "starters": list(STARTERS),
        "formats": list(FORMATS),
        "files": list_files(request.app.state.settings.media),
        "members": [
            member.account
            for member in flow.members.list(workspace, by=account)
            if member.active and member.role != Role.VIEWER
        ],
        "may_create": bool(flow.can(account, Action.MANAGE_JOB, workspace, by=account)),
    }


@router.get("/jobs")
def list_jobs(request: Request, account: Account) -> list[dict[str, Any]]:
    """Show the jobs of the workspace with their progress."""
    flow, workspace = get_flow(request), request.app.state.workspace
    return [
        {
            "job": to_json(job),
            "progress": to_json(flow.jobs.progress(job, by=account)),
            "may_open": bool(flow.can(account, Action.READ_RESULTS, job, by=account)),
        }
        for job in flow.jobs.list(workspace, by=account)
    ]


@router.post("/jobs", status_code=201)
def create_job(request: Request, sent: NewJob, account: Account) -> dict[str, Any]:
    """Order a job."""
    flow, workspace = get_flow(request), request.app.state.workspace
    job = flow.jobs.create(
        workspace,
        sent.name,
        template=_build_template(sent),
        data=[_build_row(row) for row in sent.rows],
        workflow=_build_workflow(sent),
        packaging=FixedSize(sent.package_size),
        workforce=sent.workforce or None,
        guideline=sent.guideline,
        by=account,
    )
    created: dict[str, Any] = to_json(job, flow)
    return created


def _build_template(sent: NewJob) -> Template:
    if sent.template is not None:
        return from_json(Template, sent.template)
    if sent.starter not in STARTERS:
        raise HTTPException(422, f"there is no template {sent.starter}")
    return STARTERS[sent.starter](sent.labels)


def _build_row(row: str | dict[str, Any]) -> dict[str, Any]:
    if isinstance(row, dict):
        return {"data": row}
    is_file = row.lower().endswith(tuple(MEDIA_TYPES))
    return {"data": {"source": f"/media/{row}" if is_file and not row.startswith("/") else row}}


def _build_workflow(sent: NewJob) -> Workflow:
    rules: list[Label | Inspect | Accept] = [Label(votes=sent.votes, limit=2)]
    if sent.inspect_share:
        rules.append(Inspect(task_share=sent.inspect_share))
    if sent.accept:
        rules.append(Accept())
    return Workflow(*rules)


@router.get("/jobs/{job}")
def show_job(request: Request, job: int, account: Account) -> dict[str, Any]:
    """Show how far a job is, who works on it, and why packages do not move."""
    flow = get_flow(request)
    found = flow.jobs.get(job, by=account)
    blocked = flow.jobs.blocked(found, by=account, limit=MOST_SHOWN)
    return {
        "job": to_json(found, flow),
        "progress": to_json(flow.jobs.progress(found, by=account)),
        "summary": str(flow.jobs.progress(found, by=account)),
        "queue": to_json(flow.jobs.queue(found, by=account)),
        "blocked": to_json(blocked),
        "members": list(_describe_members(flow, found, account)),
    }


def _describe_members(flow: Flow, job: Job, account: str) -> Iterator[dict[str, Any]]:
    for member in flow.members.list(job.workspace, by=account):
        if member.active:
            live = flow.assignments.list(member, job=job, by=account)
            yield {
                "account": member.account,
                "role": member.role,
                "assignments": to_json(islice(live, MOST_SHOWN)),
                "explained": _explain(flow, job, member, account),
            }


def _explain(flow: Flow, job: Job, member: Member, account: str) -> dict[str, str]:
    """Say for each stage what the member would get, or why they would get nothing."""
    explained: dict[str, str] = {}
    for stage in job.workflow.stages:
        try:
            explained[stage.value] = flow.explain(member, job, stage, by=account)
        except NotAllowed as error:
            explained[stage.value] = str(error)
    return explained


@router.post("/jobs/{job}/{step}")
def step_job(
    request: Request, job: int, step: Literal["pause", "resume", "finish"], account: Account
) -> dict[str, Any]:
    """Pause a job, go on with it, or finish it."""
    flow = get_flow(request)
    verbs = {"pause": flow.jobs.pause, "resume": flow.jobs.resume, "finish": flow.jobs.finish}
    changed: dict[str, Any] = to_json(verbs[step](job, by=account), flow)
    return changed


@router.post("/jobs/{job}/packages/{package}/assign/{member}")
def assign(
    request: Request, job: int, package: int, member: str, account: Account
) -> dict[str, Any]:
    """Offer a package to a member, who claims it before anything else."""
    flow = get_flow(request)
    offer = flow.assignments.assign((job, package), member, by=account)
    offered: dict[str, Any] = to_json(offer, flow)
    return offered


@router.post("/jobs/{job}/export/{format}")
def export(request: Request, job: int, format: str, account: Account) -> Response:
    """Send the results as a file."""
    if format not in FORMATS:
        raise HTTPException(422, f"no format {format}; there are {', '.join(FORMATS)}")
    flow, target = get_flow(request), BytesIO()
    flow.results.export(job, format, target, by=account, **OPTIONS.get(format, {}))
    # a name in a header has letters, digits and a few signs only
    name = re.sub(r"[^A-Za-z0-9._-]", "-", flow.jobs.get(job, by=account).name)
    disposition = f'attachment; filename="{name}.{FORMATS[format]}"'
    headers = {"Content-Disposition": disposition}
    return Response(target.getvalue(), media_type="application/octet-stream", headers=headers)
