"""What became of tasks: replaying the events gives what the results show, step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import attrs

from itagflow.model.became import Became
from itagflow.model.event import Event
from itagflow.model.inconsistency import Inconsistency, compare_field
from itagflow.model.package import Package
from itagflow.model.result import find_became
from itagflow.results.rules import Case

_AT_WORK = frozenset({"", Became.REOPENED})
_BEFORE: Mapping[str, frozenset[str]] = {
    Became.FINAL: _AT_WORK,
    Became.ABANDONED: _AT_WORK,
    Became.REOPENED: frozenset({Became.FINAL, Became.ABANDONED}),
    Became.WITHDRAWN: frozenset(Became) - {Became.WITHDRAWN, Became.ERASED} | {""},
    Became.ERASED: frozenset(Became) - {Became.ERASED} | {""},
}
"""What may have become of a task before each of these."""
_BECAME = "what became of it, as the history tells it,"
_ENDS = "how often work on it had ended, as the history tells it,"
_REOPENINGS = "how often it was reopened, as the history tells it,"


@attrs.define
class Outcomes:
    """What became of the tasks of a package after some events, which come in order of position."""

    became: dict[int, str] = attrs.field(factory=dict[int, str])
    """What became of each task last; nothing of those that are not there."""
    reopenings: Counter[int] = attrs.field(factory=Counter[int])
    """How many times each task was opened again."""
    ends: dict[int, int] = attrs.field(factory=dict[int, int])
    """How many times work on each task that was erased or withdrawn had ended then."""
    breaks: list[Inconsistency] = attrs.field(factory=list[Inconsistency])
    """The events that say what cannot follow on what was said before."""

    def apply(self, event: Event) -> None:
        """Apply *event*, if it says that something became of tasks."""
        for became, tasks in event.outcomes.items():
            for task in tasks:
                before = self.became.get(task, "")
                if before not in _BEFORE.get(became, frozenset[str]()):
                    self._note_break(event, f"task {task} before it was {became}", before)
                self.became[task] = became
                self.reopenings[task] += became == Became.REOPENED
                if became in (Became.ERASED, Became.WITHDRAWN):
                    self.ends.setdefault(task, self.reopenings[task] + 1)

    def _note_break(self, event: Event, what: str, before: str) -> None:
        field = f"what became of {what}"
        self.breaks.append(Inconsistency("event", event.key, field, before or None, "another"))


def check_outcomes(
    outcomes: Outcomes, package: Package, cases: Sequence[Case]
) -> Iterator[Inconsistency]:
    """Yield where the *outcomes* of all events on *package* differ from its *cases*."""
    yield from outcomes.breaks
    yield from _check_first_task(package, sorted(case.task for case in cases))
    told = dict(outcomes.became)
    for case in cases:
        key = (package.job, case.task)
        became = find_became(package, case.task, case.state)
        replayed = told.pop(case.task, "")
        if became != replayed:
            yield Inconsistency("task", key, _BECAME, became or None, replayed or None)
        # after a task was erased or withdrawn its package is opened again without it
        if case.task in package.excluded:
            counted, ends = package.count_revisions(case.task), outcomes.ends.get(case.task)
            # without such an event something else became of it, which is told above
            if ends is not None and counted != ends:
                yield Inconsistency("task", key, _ENDS, counted, ends)
        else:
            counted, reopenings = package.count_reopenings(case.task), outcomes.reopenings
            if counted != reopenings[case.task]:
                yield Inconsistency("task", key, _REOPENINGS, counted, reopenings[case.task])
    for task, replayed in told.items():
        expected = f"there: it is {replayed}"
        yield Inconsistency("package", package.key, f"task {task}", None, expected)


def _check_first_task(package: Package, numbers: Sequence[int]) -> Iterator[Inconsistency]:
    """Yield where *package*, which has tasks with these *numbers*, says of them what is not so."""
    if len(numbers) != package.size or not numbers:
        return  # that is told elsewhere
    is_consecutive = numbers[-1] - numbers[0] == len(numbers) - 1
    expected = numbers[0] if is_consecutive else 0
    yield from compare_field(package, "first task", package.first_task, expected)


def check_place(event: Event) -> Iterator[Inconsistency]:
    """Yield where *event*, which is of no package, says that something became of tasks."""
    if event.became_text:
        yield Inconsistency("event", event.key, "its package", 0, "the one of its tasks")
