"""Results to somewhere else."""

from __future__ import annotations

from collections.abc import Collection

from itagflow import formats
from itagflow.flow import _find
from itagflow.flow._find import JobRef, MemberRef
from itagflow.flow.loading import Wrap
from itagflow.flow.reading import Reading
from itagflow.formats import WriteReport
from itagflow.formats._files import Target
from itagflow.model.job import Stage
from itagflow.model.template import Template
from itagflow.rules import access, jobs
from itagflow.rules.access import Action


class Exporting(Reading):
    """The verb that brings results out."""

    def export(
        self,
        job: JobRef,
        format: str,
        target: Target,
        *,
        stages: Collection[Stage] | None = None,
        by: MemberRef | None = None,
        progress: Wrap | None = None,
        snapshot: bool = False,
    ) -> WriteReport:
        """Write the results of a job to a file, and return what was written.

        Args:
            job: The job.
            format: The name of the format, such as ``"itag"``.
            target: A path, an open binary file, or anything path-like with ``open`` and ``/``.
            stages: The stages whose results are written; all of them when not given.
            by: Who exports, when the policy is to be asked.
            progress: Wraps the iterable of results, such as ``tqdm``.
            snapshot: Whether the whole file shows one moment, also while people go on working.

        Raises:
            UnknownFormat: when there is no such format; it lists those there are.
            NotAllowed: when *by* may not export.
            Incomplete: when answers still follow a change of the template.
        """
        writer = formats.find(format)
        with self.store.read() as reader:
            home = _find.job(reader, job)
            if by is not None:
                access.check(self.policy, _find.member(reader, home.workspace, by), Action.EXPORT, home, None)
            jobs.must_fit_its_template(home, "export")
            template = reader.get(Template, (home.template,))
        found = self.results(home, snapshot=snapshot)
        return writer.write(progress(found) if progress else found, target, job=home, template=template, stages=stages)
