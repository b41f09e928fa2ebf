"""What became of tasks: the words, and how an event keeps them with the numbers of the tasks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum


class Became(StrEnum):
    """What became of a task, as an event and a result say it."""

    FINAL = "final"
    """Its package passed its last stage, and it has a result."""
    ABANDONED = "abandoned"
    """Work on it ended without a result: it was given up, or its package was discarded."""
    REOPENED = "reopened"
    """Work on it began again after either."""
    WITHDRAWN = "withdrawn"
    """It was taken out of the work by ``jobs.withdraw``: nobody waits for it any more."""
    ERASED = "erased"
    """Its data and all that was said about it were erased."""


ENDS = frozenset({Became.FINAL, Became.ABANDONED, Became.WITHDRAWN, Became.ERASED})
"""What may become of a task with which no work on it is to come."""

_RUN = "[0-9]{1,19}(?:-[0-9]{1,19}(?:/[1-9][0-9]{0,18})?)?"
_PHRASE = f"(?:{'|'.join(Became)}) {_RUN}(?:,{_RUN})*"
_TEXT = re.compile(f"(?:{_PHRASE}(?: {_PHRASE})*)?")
_LEAST_RUN = 3
"""So many numbers with the same gap, larger than one, are shorter as a range than one by one."""


def format_became(tasks_by_became: Mapping[Became, Sequence[int]]) -> str:
    """Return what an event stores: each word with its tasks, which are in order.

    >>> format_became({Became.FINAL: range(1, 7), Became.ABANDONED: [7]})
    'final 1-6 abandoned 7'
    """
    phrases = [
        f"{became} {format_numbers(tasks)}" for became, tasks in tasks_by_became.items() if tasks
    ]
    return " ".join(phrases)


def is_became(text: str) -> bool:
    """Return whether *text* is one that `format_became` may have written.

    >>> is_became("final 1-6 abandoned 7"), is_became("final")
    (True, False)
    """
    return _TEXT.fullmatch(text) is not None


def parse_became(text: str) -> dict[str, tuple[int, ...]]:
    """Return the tasks by what became of them, as `format_became` has written it.

    >>> parse_became("final 1-3,9 abandoned 4")
    {'final': (1, 2, 3, 9), 'abandoned': (4,)}
    """
    words = text.split(" ") if text else []
    return {
        became: parse_numbers(numbers)
        for became, numbers in zip(words[::2], words[1::2], strict=True)
    }


def format_numbers(numbers: Sequence[int]) -> str:
    """Return numbers, which are in order and each there once, as ranges.

    A package has mostly the tasks from one number to another; one of `PackageCount` every so many.

    >>> format_numbers([1, 2, 3, 7, 10, 20, 30])
    '1-3,7,10-30/10'
    """
    # what a package nearly always has is not gone through one by one
    if len(numbers) > 1 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]}-{numbers[-1]}"
    return ",".join(_format_runs(numbers))


def _format_runs(numbers: Sequence[int]) -> Iterator[str]:
    start = 0
    while start < len(numbers):
        end = _find_end(numbers, start)
        gap = numbers[end] - numbers[end - 1] if end > start else 0
        if gap == 1:
            yield f"{numbers[start]}-{numbers[end]}"
        elif end - start + 1 >= _LEAST_RUN:
            yield f"{numbers[start]}-{numbers[end]}/{gap}"
        else:
            end = start
            yield str(numbers[start])
        start = end + 1


def _find_end(numbers: Sequence[int], start: int) -> int:
    """Return where the last number is up to which the gaps are the same as behind *start*."""
    end = start + 1
    if end >= len(numbers):
        return start
    gap = numbers[end] - numbers[start]
    while end + 1 < len(numbers) and numbers[end + 1] - numbers[end] == gap:
        end += 1
    return end


def parse_numbers(text: str) -> tuple[int, ...]:
    """Return the numbers that `format_numbers` has written.

    >>> parse_numbers("1-3,7,10-30/10")
    (1, 2, 3, 7, 10, 20, 30)
    """
    numbers: list[int] = []
    for run in text.split(","):
        bounds, _, gap = run.partition("/")
        first, _, last = bounds.partition("-")
        numbers += range(int(first), int(last or first) + 1, int(gap or 1))
    return tuple(numbers)


def drop_numbers(numbers: Sequence[int], dropped: Iterable[int]) -> Sequence[int]:
    """Return *numbers* without some of them; the same sequence when there is none to drop."""
    left_out = set(dropped)
    if not left_out:
        return numbers
    return [number for number in numbers if number not in left_out]
