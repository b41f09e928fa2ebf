"""The commands: each yields values, and says how one of them is shown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TextIO

import attrs

from itagflow import maintenance
from itagflow.cli import files
from itagflow.cli.places import (
    parse_job,
    parse_name,
    parse_optional_job,
    parse_optional_name,
)
from itagflow.flow import Flow
from itagflow.model.event import Event
from itagflow.model.reports import LoadReport
from itagflow.model.workspace import Member
from itagflow.opening import open as open_flow
from itagflow.printing import format_count, make_printable


@attrs.frozen(kw_only=True)
class Options:
    """What was given on the command line."""

    command: str
    """The name of the command."""
    store: str = ""
    """The store, unless the command needs none."""
    as_json: bool = False
    """Whether values are printed as JSON, one in a line."""
    given: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """The rest, by name."""
    known_flow: Flow | None = None
    """The open store, unless the command needs none."""

    @property
    def flow(self) -> Flow:
        """The open store."""
        if self.known_flow is None:
            raise TypeError(f"{self.command} opens no store")
        return self.known_flow

    @property
    def output(self) -> TextIO:
        """Where values are printed: beside a file that is written to the standard output."""
        if self.given.get("target") == files.STANDARD_OUTPUT and self.command == "export":
            return sys.stderr
        return sys.stdout

    def on(self, flow: Flow) -> Options:
        """Return the same for a store that is open."""
        return attrs.evolve(self, known_flow=flow)

    def __getitem__(self, name: str) -> Any:
        """Return what was given under a name; None when nothing was."""
        return self.given.get(name)


def _to_line(value: object) -> str:
    return make_printable(str(value))


@attrs.frozen(kw_only=True)
class Command:
    """One command."""

    run: Callable[[Options], Iterator[object]]
    """Yields what it finds or has done."""
    show: Callable[[Any], str] = _to_line
    """Returns a value as people read it."""
    help: str
    """What it does, in one sentence."""
    nothing: str = ""
    """What is printed when it yields nothing."""
    is_finding: bool = False
    """Whether what it yields should not be."""
    is_endless: bool = False
    """Whether it may wait between two values, so that each is printed at once."""
    needs_store: bool = True
    """Whether it opens a store."""


# -- looking --


def verify(options: Options) -> Iterator[object]:
    """Yield what does not agree in a store, a workspace or a job."""
    job, workspace = options["job"], options["workspace"]
    place = parse_optional_name(workspace) if job is None else parse_job(job)
    yield from maintenance.verify(options.flow, place, snapshot=options["snapshot"])


def show_progress(options: Options) -> Iterator[object]:
    """Yield how far a job is."""
    yield options.flow.jobs.progress(parse_job(options["job"]))


def list_events(options: Options) -> Iterator[object]:
    """Yield events, of a job or of all, and with ``--follow`` also those that come."""
    flow, after, limit = options.flow, options["after"], options["limit"]
    if options["job"] is not None:
        job = parse_job(options["job"])
        yield from flow.events.list(job, after=after or None, limit=limit)
        return
    workspace = parse_optional_name(options["workspace"])
    if options["follow"]:
        yield from flow.events.follow(after=after, workspace=workspace)
    else:
        yield from flow.events.since(after=after, workspace=workspace, limit=limit)


def show_event(event: Event) -> str:
    """Return an event with its position and its day.

    >>> from itagflow.testing import make_event
    >>> show_event(make_event("claim", position=7, package=1, account="ben"))
    '7 2026-11-24 09:30 ben claimed package 1'
    """
    return f"{event.position} {event.at:%Y-%m-%d} {event}"


def explain(options: Options) -> Iterator[object]:
    """Yield what a member would get, or why there is nothing."""
    yield options.flow.explain(
        parse_name(options["member"]),
        parse_optional_job(options["job"]),
        options["stage"],
        workspace=parse_optional_name(options["workspace"]),
    )


def list_members(options: Options) -> Iterator[object]:
    """Yield the members of a workspace."""
    yield from options.flow.members.list(parse_name(options["workspace"]))


def show_member(member: Member) -> str:
    """Return a member in one line.

    >>> from itagflow.testing import make_member
    >>> show_member(make_member(account="ben", role="operator", groups=("night",)))
    'ben: operator; groups: night'
    """
    words = [str(member.role)]
    if member.external:
        words.append("external")
    if not member.active:
        words.append("removed")
    if member.paused:
        words.append("paused")
    if member.groups:
        words.append(f"groups: {', '.join(member.groups)}")
    return make_printable(f"{member.account}: {'; '.join(words)}")


# -- doing --


def copy(options: Options) -> Iterator[object]:
    """Copy a store, or a workspace of it, and yield how much that was."""
    with open_flow(options["target"]) as target:
        workspace = parse_optional_name(options["workspace"])
        copied = maintenance.copy(
            options.flow, to=target, workspace=workspace, verify=not options["no_verify"]
        )
    yield {"copied": copied}


def show_copied(report: Mapping[str, int]) -> str:
    """Return how much was copied.

    >>> show_copied({"copied": 1})
    'copied 1 value'
    """
    return f"copied {format_count(report['copied'], 'value')}"


def load(options: Options) -> Iterator[object]:
    """Load a draft, or go on where loading broke off, and yield what that did."""
    jobs, job, by = options.flow.jobs, parse_job(options["job"]), parse_name(options["by"])
    yield jobs.load(
        job, options["source"], by=by, format=options["format"], on_error=_on_error(options)
    )
    if options["publish"]:
        jobs.publish(job, by=by)


def _on_error(options: Options) -> Any:
    return "skip" if options["skip_bad"] else "raise"


def show_load(report: LoadReport) -> str:
    """Return what loading did, with a line for each problem.

    >>> from itagflow.errors import Problem
    >>> report = LoadReport(tasks=(range(1, 4),), skipped=1, problems=(Problem("row 2", "is bad"),))
    >>> print(show_load(report))
    loaded 3 rows, left out 1 row (1 bad)
    row 2: is bad
    """
    return "\n".join(map(str, [report, *report.problems]))


def tick(options: Options) -> Iterator[object]:
    """Do what time decides, and yield what that was."""
    workspace = parse_optional_name(options["workspace"])
    yield options.flow.tick(workspace, job=parse_optional_job(options["job"]))


def import_job(options: Options) -> Iterator[object]:
    """Import an exported job, and yield what loading it did."""
    job = files.import_job(options.flow, options.given, on_error=_on_error(options))
    yield options.flow.jobs.load_report(job)


def export(options: Options) -> Iterator[object]:
    """Export the results of a job, and yield what was written."""
    yield files.export(options.flow, options.given)


def list_formats(_: Options) -> Iterator[object]:
    """Yield the formats."""
    yield from files.list_formats()


COMMANDS: Mapping[str, Command] = {
    "verify": Command(
        run=verify,
        help="check that everything stored agrees",
        nothing="consistent",
        is_finding=True,
    ),
    "copy": Command(run=copy, show=show_copied, help="copy a store, or a workspace, to another"),
    "export": Command(run=export, help="write the results of a job"),
    "import": Command(run=import_job, show=show_load, help="read an exported job"),
    "load": Command(
        run=load, show=show_load, help="load a draft, or go on where loading broke off"
    ),
    "progress": Command(run=show_progress, help="show how far a job is"),
    "events": Command(run=list_events, show=show_event, help="list what was done", is_endless=True),
    "explain": Command(run=explain, help="say what a member would get, or why there is nothing"),
    "members": Command(run=list_members, show=show_member, help="list the members of a workspace"),
    "formats": Command(
        run=list_formats,
        show=files.show_format,
        help="list the formats of files",
        needs_store=False,
    ),
    "tick": Command(run=tick, help="do what time decides: take back what has lapsed, and so on"),
}
"""Every command by its name."""
