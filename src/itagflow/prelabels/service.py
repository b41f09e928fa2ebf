"""Pre-labels into a job: from a model, a file, or fields of the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs

from itagflow import access
from itagflow.access import Action
from itagflow.core import lookup
from itagflow.core.change import Act, record
from itagflow.core.engine import Engine
from itagflow.core.lookup import JobRef, MemberRef, iterate_query
from itagflow.core.transaction import Transaction
from itagflow.errors import InvalidData, Problem
from itagflow.jobs.loading import KEPT, Wrap
from itagflow.lifecycle.tables import JOB, JobAct
from itagflow.model.job import Job
from itagflow.model.number import whole_number
from itagflow.model.package import Assignment, Package, PackageState
from itagflow.model.prelabel import Prediction, Predictor
from itagflow.model.task import Task
from itagflow.model.template import Template
from itagflow.prelabels import rules
from itagflow.prelabels.rules import MinConfidence, PrelabelReport, Sound
from itagflow.results.histories import numbers_in
from itagflow.reviewing.stages import finish_if_done
from itagflow.storage.port import Query, Reader
from itagflow.template_changes.answers import must_still_ask

Group = Sequence[Package]
"""Some packages that are pre-labeled in one transaction."""


@attrs.define
class _Tally:
    """What pre-labeling has come to so far."""

    accepted: int = 0
    prefilled: int = 0
    silent: int = 0
    failed: int = 0
    busy: int = 0
    problems: list[Problem] = attrs.field(factory=list[Problem])

    def note(self, problems: list[Problem] | None) -> None:
        if problems is None:
            self.silent += 1
        else:
            self.failed += 1
            self.problems += problems[: KEPT - len(self.problems)]

    def report(self) -> PrelabelReport:
        return PrelabelReport(
            accepted=self.accepted,
            suggested=self.prefilled,
            no_prediction=self.silent,
            failed=self.failed,
            in_progress=self.busy,
            problems=tuple(self.problems),
        )


def prelabel(
    engine: Engine,
    job: JobRef,
    predict: Predictor,
    *,
    by: MemberRef,
    min_confidence: MinConfidence = False,
    model: str = "",
    batch: int = 100,
    progress: Wrap | None = None,
) -> PrelabelReport:
    """Let a model, or another source, say something about the tasks of a job before people do."""
    whole_number("the pre-labels", "batch", batch, least=1)
    with engine.store.read() as reader:
        home = lookup.job(reader, job)
        access.check(
            engine.policy, lookup.member(reader, home.workspace, by), Action.MANAGE_JOB, home, None
        )
        template = reader.get(Template, (home.template,))
    JOB.advance(home.state, "prelabel", JobAct(job=home), f"job {home.name!r}")
    tally = _Tally()
    waiting = Query(Package, {"job": home.id, "state": PackageState.LABEL}, order=("number",))
    packages = iterate_query(engine.store, waiting)
    for group in groups(progress(packages) if progress else packages, batch):
        with engine.store.read() as reader:
            tasks = _open_tasks(reader, home, group, tally)
        said = defaultdict[int, list[Sound]](list)
        for task, prediction in _predicted(predict, tasks, batch):
            found = rules.sound(template, task, prediction, model)
            if isinstance(found, Sound):
                said[task.package].append(found)
            else:
                tally.note(found)
        if said:
            _keep(engine, home, template, said, min_confidence, by, tally)
    return tally.report()


def _keep(
    engine: Engine,
    home: Job,
    template: Template,
    said: dict[int, list[Sound]],
    min_confidence: MinConfidence,
    by: MemberRef,
    tally: _Tally,
) -> None:
    """Store the pre-labels of some packages in one transaction."""
    with engine.transaction() as transaction:
        must_still_ask(transaction, home, template)
        act = transaction.allowed(home.workspace, by, Action.MANAGE_JOB, home)
        held = [transaction.lock_package((home.id, number)) for number in sorted(said)]
        for package in held:
            if rules.is_untouched(home, package):
                _prelabel(
                    transaction, home, package, said[package.number], min_confidence, act, tally
                )
            else:  # somebody was faster
                tally.busy += len(said[package.number])
        finish_if_done(transaction, home, act)


def groups(packages: Iterable[Package], size: int) -> Iterator[Group]:
    """Yield packages together until they have *size* tasks."""
    group, tasks = list[Package](), 0
    for package in packages:
        group.append(package)
        tasks += package.size
        if tasks >= size:
            yield group
            group, tasks = [], 0
    if group:
        yield group


def _open_tasks(reader: Reader, job: Job, group: Group, tally: _Tally) -> list[Task]:
    """Return the tasks of *group* that pre-labels can come to."""
    free = [package for package in group if rules.is_untouched(job, package)]
    tally.busy += sum(package.size for package in group if package not in free)
    where: dict[str, Any] = {"job": job.id, "package": tuple(package.number for package in free)}
    assignments = defaultdict[int, list[Assignment]](list)
    for assignment in reader.find(Query(Assignment, where)):
        assignments[assignment.package].append(assignment)
    tasks = reader.find(Query(Task, where, order=("package", "number")))
    return [
        task
        for task in tasks
        if not task.erased and not rules.has_prelabel(task, assignments[task.package])
    ]


def _predicted(
    predict: Predictor, tasks: Sequence[Task], size: int
) -> Iterator[tuple[Task, Prediction]]:
    for start in range(0, len(tasks), size):
        batch = tasks[start : start + size]
        yield from zip(batch, _called(predict, batch), strict=True)


def _called(predict: Predictor, batch: Sequence[Task]) -> list[Prediction]:
    try:
        said = list(predict(batch))
    except Exception as error:
        # one bad row must not cost the others theirs
        return (
            [error]
            if len(batch) == 1
            else [one for task in batch for one in _called(predict, [task])]
        )
    if len(said) != len(batch):
        raise InvalidData(
            "the pre-labels", [Problem("", f"{len(said)} were returned for {len(batch)} tasks")]
        )
    return said


def _prelabel(
    transaction: Transaction,
    job: Job,
    package: Package,
    said: Sequence[Sound],
    min_confidence: MinConfidence,
    act: Act,
    tally: _Tally,
) -> None:
    there = [sure for sure in said if sure.task.number not in package.erased]
    counting = [sure for sure in there if sure.is_accepted(min_confidence)]
    showing = [sure for sure in there if not sure.is_accepted(min_confidence)]
    ids = (transaction.new_id(Assignment, job.id), transaction.new_id(Assignment, job.id))
    tasks = numbers_in(transaction.store, package)
    after, added = rules.prelabeled(job, package, tasks, counting, showing, act, ids)
    data = {
        "accepted": [sure.task.number for sure in counting],
        "prefilled": [sure.task.number for sure in showing],
    }
    transaction.do(
        record(act, "prelabel", about=package, add=added, save=((package, after),), data=data)
    )
    tally.accepted += len(counting)
    tally.prefilled += len(showing)
