"""What long operations report: what was loaded, pre-labeled, or changed, and what was not.

And the board of a job: what waits, who has it, and what is late; and what time has decided.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import attrs

from itagflow.errors import Problem
from itagflow.model.job import Stage
from itagflow.printing import format_count, list_counts, make_printable
from itagflow.reprs import show_fields, show_line


@attrs.frozen
class BlockedPackage:
    """A package that nobody can go on with: what ``jobs.blocked`` lists.

    >>> BlockedPackage(7, Stage.INSPECT, "it is ben's own work").package
    7
    """

    package: int
    """Its number."""
    stage: Stage
    """The stage at which it waits."""
    reason: str
    """Why nobody can, in one sentence."""

    __repr__ = show_fields


MAX_PROBLEMS = 1_000
"""How many problems a report or an error holds; all are counted."""
_COUNTS = ("skipped", "known", "duplicates", "no_result", "bad_results")
"""What a report counts of rows that did not become a task with all that was in them."""


@attrs.frozen(kw_only=True)
class LeftOut:
    """What some rows did not become, and why: the part of an event that `LoadReport` reads."""

    skipped: int = 0
    known: int = 0
    duplicates: int = 0
    no_result: int = 0
    bad_results: int = 0
    problems: tuple[Problem, ...] = ()
    """Those that the report still has room for."""

    def to_data(self) -> dict[str, Any]:
        """Return it as an event keeps it: what is nothing is left out."""
        data: dict[str, Any] = {
            name: getattr(self, name) for name in _COUNTS if getattr(self, name)
        }
        if self.problems:
            data["problems"] = [[problem.where, problem.reason] for problem in self.problems]
        return data


@attrs.frozen(kw_only=True)
class LoadReport:
    """What loading, appending or importing has done.

    ``jobs.load`` and ``jobs.append`` return it.  That of a job's first data is kept with the job,
    also when ``jobs.create`` or ``jobs.import_results`` has loaded it: ``jobs.load_report``.

    >>> print(LoadReport(tasks=(range(1, 4), range(7, 8)), skipped=1, known=2))
    loaded 4 rows, left out 3 rows (1 bad, 2 known)
    """

    tasks: tuple[range, ...] = ()
    """The numbers of the tasks that were made: one range, unless others added rows meanwhile."""
    skipped: int = 0
    """How many rows were bad and left out."""
    known: int = 0
    """How many rows were left out because the job had a row with their key before."""
    duplicates: int = 0
    """How many rows were left out because an earlier row of the same data has their key."""
    no_result: int = 0
    """How many rows were imported without a result: their tasks are abandoned."""
    bad_results: int = 0
    """How many tasks have a bad result: they are abandoned, and keep it in their row."""
    problems: tuple[Problem, ...] = ()
    """Which rows and results were bad, and why: the first 1,000 problems."""

    @property
    def loaded(self) -> int:
        """How many rows became tasks."""
        return sum(map(len, self.tasks))

    def __str__(self) -> str:
        left_out = self.skipped + self.known + self.duplicates
        sentence = f"loaded {format_count(self.loaded, 'row')}, "
        sentence += f"left out {format_count(left_out, 'row')}"
        if left_out:
            why = [(self.skipped, "bad"), (self.known, "known"), (self.duplicates, "twice there")]
            sentence += f" ({list_counts(why)})"
        results = [(self.no_result, "without a result"), (self.bad_results, "with a bad one")]
        return "; ".join(filter(None, [sentence, list_counts(results)]))

    __repr__ = show_fields


def build_load_report(events: Iterable[Mapping[str, Any]]) -> LoadReport:
    """Return what the data of events of loading and importing say together."""
    counts, problems = dict.fromkeys(_COUNTS, 0), list[Problem]()
    ranges: list[range] = []
    for data in events:
        for name in _COUNTS:
            counts[name] += data.get(name, 0)
        problems += [Problem(where, reason) for where, reason in data.get("problems", ())]
        if "rows" in data:
            first, last = data["rows"]
            ranges.append(range(first, last + 1))
    # two processes that load the same data each note up to so many
    return LoadReport(tasks=join_ranges(ranges), problems=tuple(problems[:MAX_PROBLEMS]), **counts)


def join_ranges(ranges: Iterable[range]) -> tuple[range, ...]:
    """Return *ranges*, which ascend, with those joined that touch, and without empty ones.

    >>> join_ranges([range(1, 3), range(3, 5), range(5, 5), range(7, 9)])
    (range(1, 5), range(7, 9))
    """
    joined: list[range] = []
    for numbers in ranges:
        if joined and joined[-1].stop == numbers.start:
            joined[-1] = range(joined[-1].start, numbers.stop)
        elif numbers:
            joined.append(numbers)
    return tuple(joined)


@attrs.frozen(kw_only=True)
class CheckReport:
    """What ``jobs.check`` finds: what ``jobs.create`` would do with the same arguments.

    >>> print(CheckReport(tasks=4, packages=2, skipped=1))
    4 tasks in 2 packages would be made, 1 bad row left out
    """

    tasks: int = 0
    """How many rows would become tasks."""
    packages: int = 0
    """How many packages they would form."""
    skipped: int = 0
    """How many rows are bad."""
    duplicates: int = 0
    """How many rows have the row key of an earlier row, and would be left out."""
    problems: tuple[Problem, ...] = ()
    """Which rows are bad, and why: the first 1,000 problems."""
    blocking_reason: str = ""
    """Why the job could never finish, so that it is not published; empty when it could."""

    @property
    def ok(self) -> bool:
        """Whether ``jobs.create`` would load every row, and publish the job."""
        return not self.skipped and not self.blocking_reason

    def __str__(self) -> str:
        tasks, packages = format_count(self.tasks, "task"), format_count(self.packages, "package")
        sentence = f"{tasks} in {packages} would be made"
        if self.skipped:
            sentence += f", {format_count(self.skipped, 'bad row')} left out"
        if self.duplicates:
            sentence += f", {format_count(self.duplicates, 'duplicate')} left out"
        if self.blocking_reason:
            sentence += f"; the job could not be published: {self.blocking_reason}"
        return make_printable(sentence)

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class PrelabelReport:
    """What pre-labeling did, in tasks.  Each task is counted once: the others add up to `tasks`.

    >>> print(PrelabelReport(tasks=7, accepted=4, failed=3))
    checked 7 tasks: 4 accepted, 3 failed
    """

    tasks: int = 0
    """How many there are in the packages that are at LABEL, without those that were withdrawn."""
    accepted: int = 0
    """How many count as labeled."""
    suggested: int = 0
    """How many are shown to people, who put them right."""
    no_prediction: int = 0
    """How many the source has nothing to say about."""
    failed: int = 0
    """How many it failed on, or said something about that fits neither template nor validator."""
    in_progress: int = 0
    """How many are left out because people work, or have worked, on their package."""
    already_predicted: int = 0
    """How many are left out because they count as labeled already, or have a prediction of this
    model and version; without a model, any prediction."""
    erased: int = 0
    """How many are left out because their data was erased."""
    problems: tuple[Problem, ...] = ()
    """Why it failed: the first 1,000 problems."""

    def __str__(self) -> str:
        counts = [
            (self.accepted, "accepted"),
            (self.suggested, "suggested"),
            (self.no_prediction, "without a prediction"),
            (self.failed, "failed"),
            (self.in_progress, "in progress"),
            (self.already_predicted, "predicted already"),
            (self.erased, "erased"),
        ]
        tasks = format_count(self.tasks, "task")
        return f"checked {tasks}: {list_counts(counts) or 'there was nothing to do'}"

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class TemplateReport:
    """What a change of a template comes to, done or only tried.

    >>> print(TemplateReport(version=2, changed=4, unchanged=1))
    version 2 of the template: 4 answers changed, 1 unchanged
    """

    version: int
    """The version of the template after it."""
    changed: int = 0
    """How many answers are changed by it."""
    unchanged: int = 0
    """How many answers fit as they are."""
    cannot: int = 0
    """How many answers would not fit; the change is refused then."""
    problems: tuple[Problem, ...] = ()
    """Why not: the first 1,000 problems with their places, such as ``task 3, assignment 17, 1``."""

    def __str__(self) -> str:
        sentence = f"version {self.version} of the template: "
        sentence += f"{format_count(self.changed, 'answer')} changed, {self.unchanged} unchanged"
        if self.cannot:
            sentence += f", {self.cannot} would not fit"
        return sentence

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class ReopenReport:
    """What ``jobs.reopen`` has done, or would do: every selected task was opened or skipped.

    >>> report = ReopenReport(packages=1, tasks=2, skipped=1)
    >>> report.selected, str(report)
    (3, 'opened 2 tasks of 1 package, skipped 1')
    """

    packages: int = 0
    """How many packages were opened."""
    tasks: int = 0
    """How many tasks were opened."""
    skipped: int = 0
    """How many selected tasks were not."""
    problems: tuple[Problem, ...] = ()
    """Which tasks were skipped, and why: the first 1,000."""

    @property
    def selected(self) -> int:
        """How many tasks were selected."""
        return self.tasks + self.skipped

    def __str__(self) -> str:
        tasks, packages = format_count(self.tasks, "task"), format_count(self.packages, "package")
        skipped = f", skipped {self.skipped}" if self.skipped else ""
        return f"opened {tasks} of {packages}{skipped}"

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class WithdrawReport:
    """What ``jobs.withdraw`` has done: all tasks that were named are out of the work now.

    >>> print(WithdrawReport(tasks=(1, 4), skipped=1, missing=("post-9",)))
    withdrew 2 tasks, skipped 1, did not find 1
    """

    tasks: tuple[int, ...] = ()
    """The numbers of the tasks that this call has withdrawn, ascending."""
    skipped: int = 0
    """How many tasks were withdrawn or erased before."""
    missing: tuple[int | str, ...] = ()
    """The numbers, then the row keys, that the job does not have; see ``ignore_missing``."""

    def __str__(self) -> str:
        sentence = f"withdrew {format_count(len(self.tasks), 'task')}"
        if self.skipped:
            sentence += f", skipped {self.skipped}"
        if self.missing:
            sentence += f", did not find {len(self.missing)}"
        return sentence

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class StageQueue:
    """What there is to do at one stage of a job.

    >>> StageQueue(waiting=2, held=1).waiting
    2
    """

    waiting: int = 0
    """How many packages can be claimed from the queue."""
    held: int = 0
    """How many assignments members are working on."""
    offered: int = 0
    """How many assignments are offered, to one member or to whoever may have them."""
    oldest_waiting_since: datetime | None = None
    """Since when the oldest package of the queue waits; None: none waits."""
    overdue: int = 0
    """How many packages at the stage are past their due time, also those that somebody has."""
    in_lots: int = 0
    """How many packages wait until their lot closes or is decided: there is no work on them."""
    priorities: Mapping[float, int] = attrs.field(factory=dict[float, int], hash=False)
    """How many packages wait with each priority, the highest first: at most the 100 highest."""

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class QueueReport:
    """What there is to do in a job now: what ``jobs.queue`` returns.

    >>> report = QueueReport(at=datetime(2026, 11, 28), stages={Stage.LABEL: StageQueue(held=1)})
    >>> report.held, report.to_dict()["stages"]["label"]["held"]
    (1, 1)
    """

    at: datetime
    """When it was so."""
    stages: Mapping[Stage, StageQueue] = attrs.field(hash=False)
    """The queue of each stage, in the order of the workflow."""
    next_due: datetime | None = None
    """When an open package is due next that is not overdue yet; None: none is."""

    @property
    def waiting(self) -> int:
        """How many packages can be claimed from the queue."""
        return sum(stage.waiting for stage in self.stages.values())

    @property
    def held(self) -> int:
        """How many assignments members are working on."""
        return sum(stage.held for stage in self.stages.values())

    @property
    def offered(self) -> int:
        """How many assignments are offered."""
        return sum(stage.offered for stage in self.stages.values())

    @property
    def overdue(self) -> int:
        """How many open packages are past their due time."""
        return sum(stage.overdue for stage in self.stages.values())

    @property
    def oldest_waiting_since(self) -> datetime | None:
        """Since when the oldest package of a queue waits; None: none waits."""
        times = [stage.oldest_waiting_since for stage in self.stages.values()]
        return min((time for time in times if time is not None), default=None)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types: stages by value, times as text, priorities as pairs."""
        return {
            "at": self.at.isoformat(),
            "waiting": self.waiting,
            "held": self.held,
            "offered": self.offered,
            "overdue": self.overdue,
            "oldest_waiting_since": _format(self.oldest_waiting_since),
            "next_due": _format(self.next_due),
            "stages": {stage.value: _to_dict(queue) for stage, queue in self.stages.items()},
        }

    def __str__(self) -> str:
        parts = [
            f"{format_count(self.waiting, 'package')} waiting",
            f"{self.held} held",
            f"{self.offered} offered",
        ]
        if self.overdue:
            parts.append(f"{self.overdue} overdue")
        return ", ".join(parts)

    def __repr__(self) -> str:
        return show_line(self, self)


def _to_dict(queue: StageQueue) -> dict[str, Any]:
    return {
        "waiting": queue.waiting,
        "held": queue.held,
        "offered": queue.offered,
        "overdue": queue.overdue,
        "in_lots": queue.in_lots,
        "oldest_waiting_since": _format(queue.oldest_waiting_since),
        # pairs and no mapping: a key of a JSON object is a text
        "priorities": [
            {"priority": priority, "waiting": number}
            for priority, number in queue.priorities.items()
        ],
    }


def _format(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


@attrs.frozen(kw_only=True)
class TickReport:
    """What time has decided: what ``Flow.tick`` has done.

    >>> print(TickReport(jobs=2, expired=1))
    2 jobs: 1 assignment expired
    """

    jobs: int = 0
    """How many running jobs were checked."""
    expired: int = 0
    """How many assignments and offers were taken back because their lease had lapsed."""
    notified: int = 0
    """How many overdue packages are now named so in the history, and nothing else was done."""
    escalated: int = 0
    """How many overdue packages now wait for an expert."""
    defaulted: int = 0
    """How many overdue packages went on with a default answer to each task without another."""
    held: int = 0
    """How many overdue packages are left to who holds them: until that is handed in, or lapses."""
    lots: int = 0
    """How many lots of several packages have closed, or were decided."""
    votes: int = 0
    """How many further votes are asked for no more, since nobody is left to give them."""

    @property
    def changed(self) -> int:
        """How many things were decided: nothing was due where it is 0."""
        decided = self.expired + self.notified + self.escalated + self.defaulted
        return decided + self.lots + self.votes

    def __str__(self) -> str:
        counts = [
            ("assignment expired", "assignments expired", self.expired),
            ("package notified", "packages notified", self.notified),
            ("package escalated", "packages escalated", self.escalated),
            ("package answered by default", "packages answered by default", self.defaulted),
            ("package left to its holder", "packages left to their holders", self.held),
            ("lot settled", "lots settled", self.lots),
            ("vote asked for no more", "votes asked for no more", self.votes),
        ]
        said = [
            f"{number} {one if number == 1 else many}" for one, many, number in counts if number
        ]
        return f"{format_count(self.jobs, 'job')}: {', '.join(said) or 'nothing was due'}"

    __repr__ = show_fields
