r"""Regular expressions from templates, matched in time that is linear in the text.

What is understood is the part of the syntax that JavaScript, Java and Python agree on: characters,
``.``, classes such as ``[a-z\d]``, groups, ``|``, ``* + ? {m,n}`` (also lazy), ``^`` and ``$``.
Back-references and look-around cannot be matched in linear time; they are refused.
Source: K. Thompson, *Regular expression search algorithm*, CACM 11 (1968).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import attrs

from itagflow.errors import InvalidData, Problem

MAX_STEPS = 5_000
"""How many steps a pattern may have once its repeats are written out."""
MAX_DEPTH = 100
"""How deep groups may be nested."""
MAX_WORK = 2_000_000
"""How many steps of a pattern times characters of a text may be matched."""

_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_SET_SIGN = re.compile(r"\\.|[\[&~|]", re.DOTALL)
"""An escape, or a sign that Python may one day read as an operation on sets."""
_COUNT = re.compile(r"\{([0-9]*)(?:(,)([0-9]*))?\}")
_SIGNS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
"""How often a sign repeats what is before it: at least and at most."""
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[dDwWsStnrfv]|[^0-9A-Za-z])", re.DOTALL)

Test = Callable[[str], object]
"""Tells whether a character fits."""


@attrs.frozen
class _Step:
    """One state of the machine: what it looks for, and the steps that follow."""

    test: Test | None = None
    """Tells whether the next character fits; None takes none."""
    place: str = ""
    """``^`` or ``$`` where the step is only passed at that end of the text."""
    next: tuple[int, ...] = ()
    """Where it goes on."""


class Pattern:
    r"""A regular expression that a whole text has to match.

    >>> Pattern(r"[A-Z]{2}-\d+").matches("AB-42")
    True
    >>> Pattern(r"(a+)+b").matches("a" * 10_000)
    False
    """

    def __init__(self, text: str) -> None:
        """Read the expression.

        Raises:
            InvalidData: when it is not an expression, or not of the part that is understood; it
                says where.
        """
        self.text = text
        self._steps: list[_Step] = [_Step()]
        reader = _Reader(text, self._steps)
        self._start = reader.whole(end=0)

    def takes(self, text: str) -> bool:
        """Return whether *text* is short enough to match within about a second."""
        return len(text) * len(self._steps) <= MAX_WORK

    def matches(self, text: str) -> bool:
        """Return whether the whole *text* is of this form."""
        at = self._reached((self._start,), 0, len(text))
        for index, character in enumerate(text, 1):
            passed = [
                n
                for step in at
                if (test := self._steps[step].test) and test(character)
                for n in self._next(step)
            ]
            if not passed:
                return False
            at = self._reached(passed, index, len(text))
        return 0 in at

    def _next(self, step: int) -> tuple[int, ...]:
        return self._steps[step].next

    def _reached(self, steps: tuple[int, ...] | list[int], index: int, length: int) -> set[int]:
        """Return the steps that are reached from these without taking a character."""
        found, todo = set[int](), list(steps)
        while todo:
            number = todo.pop()
            step = self._steps[number]
            blocked = (step.place == "^" and index > 0) or (step.place == "$" and index < length)
            if number not in found and not blocked:
                found.add(number)
                todo += step.next if step.test is None else ()
        return found


@lru_cache(maxsize=256)
def compiled(text: str) -> Pattern:
    """Return the pattern, read once.

    Raises:
        InvalidData: as `Pattern` does.
    """
    return Pattern(text)


def _one_character(text: str) -> re.Pattern[str]:
    """Return an escape or class as Python's own pattern: of one character, it cannot backtrack."""
    if "--" in text.replace("\\-", ""):
        raise re.error("has '--' in a class: write a '-' that stands for itself as '\\-'")
    inner = _SET_SIGN.sub(lambda sign: sign[0] if len(sign[0]) > 1 else f"\\{sign[0]}", text[1:])
    return re.compile(text[:1] + inner, re.DOTALL)


def _number(digits: str) -> int:
    # Python refuses to read very long ones
    return int(digits) if len(digits) < 10 else MAX_STEPS + 1


Annotation = Callable[[int], int]
"""Builds the steps of an expression before the step with this number; returns their first."""


class _Reader:
    """Reads a pattern from left to right, and builds its steps from right to left."""

    def __init__(self, text: str, steps: list[_Step]) -> None:
        self.text, self.steps, self.at, self.depth = text, steps, 0, 0

    def whole(self, end: int) -> int:
        part = self._choice()
        if self.at < len(self.text):
            raise self._refused("has no '(' before this ')'")
        return part(end)

    def _refused(self, reason: str) -> InvalidData:
        return InvalidData(f"the rule {self.text!r}", [Problem(f"character {self.at + 1}", reason)])

    def _add(self, step: _Step) -> int:
        if len(self.steps) >= MAX_STEPS:
            raise self._refused(f"asks for more than {MAX_STEPS} steps: use smaller repeats")
        self.steps.append(step)
        return len(self.steps) - 1

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _choice(self) -> Annotation:
        ways = [self._row()]
        while self._peek() == "|":
            self.at += 1
            ways.append(self._row())
        if len(ways) == 1:
            return ways[0]
        return lambda after: self._add(_Step(next=tuple(way(after) for way in ways)))

    def _row(self) -> Annotation:
        parts = list[Annotation]()
        while self._peek() not in ("", "|", ")"):
            place = self._peek() in ("^", "$")
            parts.append(self._one() if place else self._repeated(self._one()))

        def build(after: int) -> int:
            for part in reversed(parts):
                after = part(after)
            return after

        return build

    def _one(self) -> Annotation:
        sign = self._peek()
        if sign == "(":
            return self._group()
        if sign in ("^", "$"):
            self.at += 1
            return lambda after: self._add(_Step(place=sign, next=(after,)))
        test = self._test(sign)
        return lambda after: self._add(_Step(test, next=(after,)))

    def _test(self, sign: str) -> Test:
        if self._repeats():
            raise self._refused(f"has nothing before {sign!r} to repeat")
        if sign == "[":
            return self._matched(_CLASS, "is not a class of characters: '[' needs its ']'")
        if sign == "\\":
            return self._matched(_ESCAPE, "is an escape that is not understood here")
        self.at += 1
        return (
            (lambda character: character != "\n")
            if sign == "."
            else (lambda character: character == sign)
        )

    def _matched(self, form: re.Pattern[str], reason: str) -> Test:
        found = form.match(self.text, self.at)
        try:
            test = _one_character(found[0]) if found else None
        except re.error as error:
            raise self._refused(str(error)) from None
        if found is None or test is None:
            raise self._refused(reason)
        self.at = found.end()
        return test.fullmatch

    def _group(self) -> Annotation:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._refused(f"nests groups more than {MAX_DEPTH} deep")
        if self.text.startswith("(?", self.at) and not self.text.startswith("(?:", self.at):
            raise self._refused(
                "is a kind of group that is not understood here: use '(…)' or '(?:…)'"
            )
        self.at += 3 if self.text.startswith("(?:", self.at) else 1
        inner = self._choice()
        if self._peek() != ")":
            raise self._refused("lacks a ')'")
        self.at += 1
        self.depth -= 1
        return inner

    def _repeated(self, part: Annotation) -> Annotation:
        if not self._repeats():
            return part
        low, high = self._count()
        if max(low, high or 0) > MAX_STEPS or (high is not None and high < low):
            raise self._refused("is not a count that can be repeated")
        if self._peek() == "?":  # lazy: the same texts match
            self.at += 1
        if self._repeats():
            raise self._refused("repeats a repeat: put it into a group")
        return lambda after: self._times(part, low, high, after)

    def _repeats(self) -> bool:
        counted = _COUNT.match(self.text, self.at)
        return self._peek() in _SIGNS or (counted is not None and counted[0] != "{}")

    def _count(self) -> tuple[int, int | None]:
        """Return how often a part is repeated: at least, and at most where there is a limit."""
        counted = _COUNT.match(self.text, self.at)
        if counted is None:
            self.at += 1
            return _SIGNS[self.text[self.at - 1]]
        if not counted[1]:
            raise self._refused("is not read alike everywhere: write '{0,' for a count from 0 on")
        self.at = counted.end()
        low = _number(counted[1])
        return low, low if not counted[2] else _number(counted[3]) if counted[3] else None

    def _times(self, part: Annotation, low: int, high: int | None, after: int) -> int:
        if high is None:
            loop = self._add(_Step())
            self.steps[loop] = _Step(next=(part(loop), after))
            first = loop
        else:
            first = after
            for _ in range(high - low):
                first = self._add(_Step(next=(part(first), after)))
        for _ in range(low):
            before, first = first, part(first)
            if first == before:  # it takes nothing, however often
                break
        return first
