"""Results to somewhere else."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from contextlib import closing
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import attrs

from itagflow import formats
from itagflow.contexts import safe_context
from itagflow.errors import InvalidData, Problem
from itagflow.flow import _find
from itagflow.flow._access import asked_again
from itagflow.flow._find import MemberRef, PartRef
from itagflow.flow._ids import TimeOrdered, now
from itagflow.flow._spread import spread
from itagflow.flow.following import Following
from itagflow.flow.loading import Wrap
from itagflow.formats import Format, WriteReport
from itagflow.formats._files import Target, writing
from itagflow.model.job import Job, Stage
from itagflow.model.jobpart import JobPart
from itagflow.model.number import whole_number
from itagflow.model.result import Result
from itagflow.model.template import Template
from itagflow.rules import jobs
from itagflow.rules.access import default_policy
from itagflow.storage.port import Store

if TYPE_CHECKING:
    from concurrent.futures import Executor  # whoever has one has loaded it

PART = 5_000
"""How many tasks each worker of an export is given at once, unless the caller says how many parts to make."""


class Exporting(Following):
    """The verb that brings results out."""

    def export(
        self,
        job: PartRef,
        format: str,
        target: Target,
        *,
        stages: Collection[Stage] | None = None,
        by: MemberRef | None = None,
        progress: Wrap | None = None,
        snapshot: bool = False,
        executor: Executor | None = None,
        parts: int | None = None,
        **options: Any,
    ) -> WriteReport:
        """Write the results of a job to a file, and return what was written.

        Tasks whose data was erased are left out, and counted.  What is written is what each stage came to, without
        votes that are not merged yet.

        Args:
            job: The job, or a part of one.
            format: The name of the format, such as ``"itag"``.
            target: A path, an open binary file, or anything path-like with ``open`` and ``/``.
            stages: The stages whose results are written; all of them when not given.
            by: Who exports, when the policy is to be asked.
            progress: Wraps the iterable of results, such as ``tqdm``; with an executor, that of the parts written.
            snapshot: Whether the whole file shows one moment, also while people go on working.
            executor: Has its workers write the parts of the file, each with a connection of its own; the file is
                the same.
            parts: Into how many parts the work is cut for the executor; one for each 5,000 tasks unless given.
            **options: What else the ``write`` of the format takes, such as ``escape_formulas=True`` for CSV.

        Raises:
            UnknownFormat: when there is no such format; it lists those there are.
            NotAllowed: when *by* may not export.
            Incomplete: when answers still follow a change of the template.
            InvalidData: when the format has no such option, or an executor cannot work on this export: the format is
                not made of parts, or one moment is asked for.
            StoreFailed: when the system does not write the target; or the workers are other processes, and the store
                is in the memory of this one.
        """
        writer = formats.find(format)
        formats.must_take(writer, format, options)
        if parts is not None:
            whole_number("parts", "", parts, least=1)
        if executor is not None:
            _must_be_divisible(format, writer, snapshot)
        with self.store.read() as reader:
            home, _ = self._readable(reader, "export", job, by)
            jobs.must_fit_its_template(home, "export")
        which = job if isinstance(job, JobPart) else home
        if executor is not None:
            place = self.store.opener() or self
            shares = self._shares(which, parts)
            # workers do not know the policy: they leave out all votes that are secret from anybody
            with closing(spread(executor, shares, _written, place, format, stages, by is not None, **options)) as made:
                written = asked_again(self.store, made, lambda reader: self._readable(reader, "export", home, by))
                return _join(progress(written) if progress else written, target)
        results = self._results("export", which, by, snapshot=snapshot)
        return self._write(home, progress(results) if progress else results, format, target, stages, **options)

    def _write(
        self,
        job: Job,
        results: Iterable[Result],
        format: str,
        target: Target,
        stages: Collection[Stage] | None,
        **options: Any,
    ) -> WriteReport:
        with self.store.read() as reader:
            template = reader.get(Template, (job.template,))
        erased = list[int]()
        found = _with_data(results, erased)
        report = formats.find(format).write(found, target, job=job, template=template, stages=stages, **options)
        return attrs.evolve(report, erased=len(erased))

    def _shares(self, job: PartRef, count: int | None) -> tuple[JobPart, ...]:
        (whole,) = self.parts(job, 1)
        return self.parts(whole, max(1, -(-len(whole) // PART)) if count is None else count)


def _with_data(results: Iterable[Result], erased: list[int]) -> Iterator[Result]:
    """Yield the results of tasks that have data, and note the numbers of those whose data was *erased*."""
    for result in results:
        if result.task.erased:
            erased.append(result.task.number)
        else:
            yield result


def _must_be_divisible(name: str, format: Format, snapshot: bool) -> None:
    problems = list[Problem]()
    if not formats.joins(format):
        reason = f"a file in the format {name!r} cannot be put together from parts: leave the executor out"
        problems.append(Problem("executor", reason))
    if snapshot:
        problems.append(
            Problem("snapshot", "the parts of an executor each show their own moment: leave one of the two out")
        )
    if problems:
        raise InvalidData("the export", problems)


class _Worker(Exporting):
    """Writes parts of an export; the policy was asked before the work was given out."""

    def write_part(
        self, part: JobPart, format: str, target: Target, stages: Collection[Stage] | None, hide: bool, **options: Any
    ) -> WriteReport:
        """Write a part of a job, as a worker does whose application has asked the policy already.

        Args:
            part: The part.
            format: The name of the format.
            target: What is written to.
            stages: The stages whose results are written.
            hide: Whether to leave out votes on packages that are still voted on.
            **options: What else the format takes.
        """
        with self.store.read() as reader:
            home = _find.job(reader, part)
        results = self._results("export", part, None, hide_votes=hide)
        return self._write(home, results, format, target, stages, **options)


Place = Exporting | Callable[[], Store]
"""Where a worker reads: this Flow, if it is the only one that can, or what opens the store anew."""


@safe_context
def _opened(place: Place) -> Generator[_Worker]:
    """Open *place* for one part."""
    if isinstance(place, Exporting):
        yield _Worker(place.store, default_policy, now, TimeOrdered(), ())
    else:
        with closing(place()) as store:
            yield _Worker(store, default_policy, now, TimeOrdered(), ())


def _written(
    part: JobPart, /, place: Place, format: str, stages: Collection[Stage] | None, hide: bool, **options: Any
) -> tuple[WriteReport, bytes]:
    """Return a part of the file, as a worker makes it."""
    file = io.BytesIO()
    with _opened(place) as flow:
        report = flow.write_part(part, format, file, stages, hide, **options)
    return report, file.getvalue()


def _join(written: Iterable[tuple[WriteReport, bytes]], target: Target) -> WriteReport:
    reports = list[WriteReport]()
    with writing(target) as file:
        for report, content in written:
            file.write(content)
            reports.append(report)
    return reduce(add, reports)
