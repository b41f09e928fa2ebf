"""What a claim asks for that may leave the job or the stage open."""

from __future__ import annotations

import attrs

from itagflow.core import lookup
from itagflow.core.lookup import JobRef, MemberRef, PackageRef, WorkspaceRef
from itagflow.errors import InvalidData, NotFound, Problem
from itagflow.model.job import Job, Stage
from itagflow.model.workspace import Member
from itagflow.printing import format_count
from itagflow.storage.port import Reader


@attrs.frozen
class Options:
    """What a claim may be given beside member, job and stage."""

    workspace: WorkspaceRef | None = None
    """Where; None: that of the job, or the only one that the member belongs to."""
    package: PackageRef | int | None = None
    """The only package of the job that will do; None: any."""
    token: str = ""
    """The caller's own name for the claim."""
    is_resumed: bool = attrs.field(default=False, kw_only=True)
    """Whether what the member holds is given back first."""


@attrs.frozen
class Wanted:
    """What is asked for."""

    member: MemberRef
    """Who claims."""
    job: JobRef | None
    """The only job; None: any that runs."""
    stage: Stage | None
    """The only stage; None: any."""
    options: Options = attrs.field(factory=Options)
    """What else was given."""


def make_wanted(
    verb: str, member: MemberRef, job: JobRef | None, stage: Stage | None, options: Options
) -> Wanted:
    """Return what is asked for by *verb*.

    Raises:
        InvalidData: when a package is named without its job.
    """
    if options.package is not None and job is None:
        reason = "is one of a job: name the job, too"
        raise InvalidData(verb, [Problem("package", reason)])
    return Wanted(member, job, stage, options)


def find_job_and_member(reader: Reader, wanted: Wanted) -> tuple[Job | None, Member]:
    """Return the job that is named, if one is, and the member who claims, as they are stored.

    Raises:
        NotFound: when there is none, or the job is of another workspace.
        InvalidData: when the workspace is not clear.
    """
    job = None if wanted.job is None else lookup.job(reader, wanted.job)
    ref = wanted.options.workspace
    if ref is not None:
        workspace = lookup.workspace(reader, ref).id
        if job is not None and job.workspace != workspace:
            raise NotFound("Job", job.id)
        return job, lookup.member(reader, workspace, wanted.member)
    if job is not None:
        return job, lookup.member(reader, job.workspace, wanted.member)
    members = lookup.find_in_all_workspaces(reader, wanted.member)
    # who was removed from a workspace, and is in another, claims in that one
    members = [member for member in members if member.active] or members[:1]
    if len(members) > 1:
        number = format_count(len(members), "workspace")
        reason = f"must be named: {members[0].account} belongs to {number}"
        raise InvalidData("the claim", [Problem("workspace", reason)])
    return None, members[0]
