"""Jobs and members as they were last seen: a claim begins with them, and checks them behind what it holds."""

from __future__ import annotations

from itagflow.flow import _find
from itagflow.flow._find import JobRef, MemberRef
from itagflow.model.job import Job
from itagflow.model.template import Template
from itagflow.model.workspace import Member
from itagflow.storage.port import Reader

MOST = 4_096
"""How many of each are remembered."""


class Outdated(Exception):
    """What was remembered is no longer so: the act begins once more, with what is stored now."""


class Seen:
    """What one Flow has seen of jobs and members; it may be out of date, so nothing is stored on the word of it."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._jobs: dict[int, Job] = {}
        self._members: dict[tuple[int, int | str], Member] = {}
        self._templates: dict[int, tuple[Job, Template]] = {}

    def job(self, reader: Reader, ref: JobRef) -> Job:
        """Return the job as it was last seen, or else as it is; by name it is always asked for."""
        id = ref.id if isinstance(ref, Job) else ref
        known = self._jobs.get(id) if type(id) is int else None  # true and 1.0 are found under 1, and name nothing
        if known is None or not _find.is_same(ref, known):
            return self._noted(_find.job(reader, ref))
        return known

    def member(self, reader: Reader, workspace: int, ref: MemberRef) -> Member:
        """Return the member of *workspace* as last seen, or else as it is."""
        name = ref.id if isinstance(ref, Member) else ref
        if type(name) not in (int, str):
            return _find.member(reader, workspace, ref)
        mark = (workspace, name)
        known = self._members.get(mark)
        if known is None or not _find.is_same(ref, known):
            if len(self._members) >= MOST:
                self._members.clear()
            known = self._members[mark] = _find.member(reader, workspace, ref)
        return known

    def template(self, reader: Reader, job: Job) -> Template:
        """Return the template of *job*, which *reader* has just read: it is another only when the job has changed."""
        known = self._templates.get(job.id)
        if known is not None and (known[0] is job or known[0] == job):
            return known[1]
        if len(self._templates) >= MOST:
            self._templates.clear()
        template = reader.get(Template, (job.template,))
        self._templates[job.id] = (job, template)
        return template

    def must_be_so(self, job: Job, member: Member, now: tuple[Job, Member]) -> None:
        """Check what was seen against what is.

        Raises:
            Outdated: when either has changed; both are forgotten then.
        """
        if (job, member) != now:  # not only the versions: a key may be used again
            self._jobs.pop(job.id, None)
            self._members = {mark: known for mark, known in self._members.items() if known.id != member.id}
            raise Outdated(job, member)

    def _noted(self, job: Job) -> Job:
        if len(self._jobs) >= MOST:
            self._jobs.clear()
        self._jobs[job.id] = job
        return job
