"""Results and whole stores to somewhere else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import attrs

from itagflow import formats
from itagflow.flow import _find
from itagflow.flow._find import JobRef, MemberRef
from itagflow.flow.loading import Wrap
from itagflow.flow.reading import Reading
from itagflow.formats import WriteReport
from itagflow.formats._files import Target
from itagflow.model.entity import E
from itagflow.model.event import Event
from itagflow.model.job import Stage
from itagflow.model.result import Result
from itagflow.model.template import Template
from itagflow.rules import access
from itagflow.rules.access import Action
from itagflow.store import Query, Reader, Store
from itagflow.stores._layout import LAYOUTS, cursor

BLOCK = 2_000
"""How many entities are copied in one block."""


class Exporting(Reading):
    """The verbs that bring results and stores out."""

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

        Tasks whose data was erased are left out, and counted.

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
        """
        writer = formats.find(format)
        with self.store.read() as reader:
            home = _find.job(reader, job)
            if by is not None:
                access.check(self.policy, _find.member(reader, home.workspace, by), Action.EXPORT, home, None)
            template = reader.get(Template, (home.template,))
        results = self.results(home, snapshot=snapshot)
        erased = list[int]()
        found = _with_data(progress(results) if progress else results, erased)
        report = writer.write(found, target, job=home, template=template, stages=stages)
        return attrs.evolve(report, erased=len(erased))

    def copy(self, *, to: Exporting | Store) -> int:
        """Copy everything into another store, as it is at this moment, and return how many entities that were.

        Events keep their order and get positions of the other store.

        Raises:
            AlreadyExists: when the other store has something of it already.
        """
        target = to.store if isinstance(to, Exporting) else to
        copied = 0
        with self.store.read(snapshot=True) as reader:
            for kind in LAYOUTS:
                for batch in _batches(reader, kind):
                    with target.write() as writer:
                        writer.add(*batch)
                    copied += len(batch)
        return copied


def _with_data(results: Iterable[Result], erased: list[int]) -> Iterator[Result]:
    """Yield the results of tasks that have data, and note the numbers of those whose data was *erased*."""
    for result in results:
        if result.task.erased:
            erased.append(result.task.number)
        else:
            yield result


def _batches(reader: Reader, kind: type[E]) -> Iterator[list[E]]:
    query = Query(kind, order=("position",) if kind is Event else (), limit=BLOCK)
    while batch := list(reader.find(query)):
        yield batch
        query = attrs.evolve(query, after=cursor(query, batch[-1]))
