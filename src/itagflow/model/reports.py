"""What long operations report: what was loaded, pre-labeled, or changed, and what was not."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from itagflow.errors import Problem
from itagflow.model.job import Stage
from itagflow.reprs import show_fields


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

    >>> LoadReport(tasks=(range(1, 4), range(7, 8))).loaded
    4
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
    """What ``jobs.check`` finds: what ``jobs.create`` would do with the same arguments."""

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

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class PrelabelReport:
    """What pre-labeling did, in tasks.  Each task is counted once: the others add up to `tasks`."""

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

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class TemplateReport:
    """What a change of a template comes to, done or only tried."""

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

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class ReopenReport:
    """What ``jobs.reopen`` has done, or would do: every selected task was opened or skipped.

    >>> ReopenReport(packages=1, tasks=2, skipped=1).selected
    3
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

    __repr__ = show_fields
