"""Jobs, members and templates as one Flow last saw them: claims and saves need them each time, and they change seldom.

A claim on PostgreSQL took two of its ten round trips to read job and member before it locked them.  Now it searches by
what was last seen, locks both behind what it has found, and decides again by what is locked (`claiming.service`).
"""

from __future__ import annotations

from itagflow.flow import _find
from itagflow.flow._find import JobRef, MemberRef
from itagflow.model.job import Job
from itagflow.model.template import Template
from itagflow.model.workspace import Member
from itagflow.store import Reader

MAX_ENTRIES = 4_096
"""How many of each are kept."""


class EntityCache:
    """What was last seen.  It may be out of date, so nothing is stored or refused on the word of it alone."""

    def __init__(self) -> None:
        """Start empty."""
        self._jobs: dict[int, Job] = {}
        self._members: dict[tuple[int, int | str], Member] = {}
        self._templates: dict[int, tuple[Job, Template]] = {}

    def job(self, reader: Reader, ref: JobRef) -> Job:
        """Return the job as last seen, or else as it is; by name it is always read."""
        id = ref.id if isinstance(ref, Job) else ref
        known = self._jobs.get(id) if type(id) is int else None  # true and 1.0 are found under 1, and name nothing
        if known is not None and _find.is_same(ref, known):
            return known
        return self.read_job(reader, ref)

    def read_job(self, reader: Reader, ref: JobRef) -> Job:
        """Return the job as it is."""
        job = _find.job(reader, ref)
        self.note_job(job)
        return job

    def note_job(self, job: Job) -> None:
        """Keep the job as it has just been read."""
        if len(self._jobs) >= MAX_ENTRIES:
            self._jobs.clear()
        self._jobs[job.id] = job

    def member(self, reader: Reader, workspace: int, ref: MemberRef) -> Member:
        """Return the member of *workspace* as last seen, or else as it is."""
        name = ref.id if isinstance(ref, Member) else ref
        known = self._members.get((workspace, name)) if type(name) in (int, str) else None
        if known is not None and _find.is_same(ref, known):
            return known
        return self.read_member(reader, workspace, ref)

    def read_member(self, reader: Reader, workspace: int, ref: MemberRef) -> Member:
        """Return the member of *workspace* as it is."""
        member = _find.member(reader, workspace, ref)
        if len(self._members) >= MAX_ENTRIES:
            self._members.clear()
        self._members[workspace, ref.id if isinstance(ref, Member) else ref] = member
        return member

    def template(self, reader: Reader, job: Job) -> Template:
        """Return the template of *job*, which *reader* has just read: it is another only when the job has changed."""
        known = self._templates.get(job.id)
        if known is not None and (known[0] is job or known[0] == job):
            return known[1]
        if len(self._templates) >= MAX_ENTRIES:
            self._templates.clear()
        template = reader.get(Template, (job.template,))
        self._templates[job.id] = (job, template)
        return template
