"""Templates by job: saving an answer reads one each time, and they change seldom."""

from __future__ import annotations

from itagflow.model.job import Job
from itagflow.model.template import Template
from itagflow.store import Reader

MAX_ENTRIES = 4_096
"""How many templates are kept."""


class TemplateCache:
    """The templates of jobs, each kept for as long as its job stays as it was."""

    def __init__(self) -> None:
        """Start empty."""
        self._entries: dict[int, tuple[Job, Template]] = {}

    def get(self, reader: Reader, job: Job) -> Template:
        """Return the template of *job*, which *reader* has just read: it is another only when the job has changed."""
        known = self._entries.get(job.id)
        if known is not None and (known[0] is job or known[0] == job):
            return known[1]
        if len(self._entries) >= MAX_ENTRIES:
            self._entries.clear()
        template = reader.get(Template, (job.template,))
        self._entries[job.id] = (job, template)
        return template
