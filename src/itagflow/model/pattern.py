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
    anchor: str = ""
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
        # step 0 is the end: it looks for nothing, and leads nowhere
        self._steps: list[_Step] = [_Step()]
        reader = _Reader(text, self._steps)
        self._start = reader.read_all(end=0)

    @property
    def max_length(self) -> int:
        """How many characters a text may have, so that matching it takes about a second at most."""
        return MAX_WORK // len(self._steps)

    def takes(self, text: str) -> bool:
        """Return whether *text* is short enough to match within about a second."""
        return len(text) <= self.max_length

    def matches(self, text: str) -> bool:
        """Return whether the whole *text* is of this form."""
        states = self._expand((self._start,), 0, len(text))
        # all states at once, instead of one way after the other with steps back: that is what makes
        # the time linear in the text, whatever the expression
        for index, character in enumerate(text, 1):
            passed: list[int] = []
            for number in states:
                step = self._steps[number]
                if step.test is not None and step.test(character):
                    passed += step.next
            if not passed:
                return False
            states = self._expand(passed, index, len(text))
        return 0 in states

    def _expand(self, steps: tuple[int, ...] | list[int], index: int, length: int) -> set[int]:
        """Return the steps that are reached from these without taking a character."""
        reached, todo = set[int](), list(steps)
        # a stack of its own: chains of steps are longer than Python's recursion may be deep
        while todo:
            number = todo.pop()
            step = self._steps[number]
            blocked = (step.anchor == "^" and index > 0) or (step.anchor == "$" and index < length)
            if number not in reached and not blocked:
                reached.add(number)
                if step.test is None:
                    todo += step.next
        return reached


# bounded, since templates come from users; a job asks for few rules again and again
@lru_cache(maxsize=256)
def compile_pattern(text: str) -> Pattern:
    """Return the pattern, read once.

    Raises:
        InvalidData: as `Pattern` does.
    """
    return Pattern(text)


def _compile_character(text: str) -> re.Pattern[str]:
    """Return an escape or class as Python's own pattern: of one character, it cannot backtrack."""
    # Python warns that "--" may come to mean the difference of two sets
    if "--" in text.replace("\\-", ""):
        raise re.error("has '--' in a class: write a '-' that stands for itself as '\\-'")
    inner = _SET_SIGN.sub(lambda sign: sign[0] if len(sign[0]) > 1 else f"\\{sign[0]}", text[1:])
    return re.compile(text[:1] + inner, re.DOTALL)


def _parse_count(digits: str) -> int:
    # `int` raises ValueError for more than 4,300 digits; any count above the limit is refused alike
    if len(digits) < 10:
        return int(digits)
    return MAX_STEPS + 1


Builder = Callable[[int], int]
"""Builds the steps of an expression before the step with this number; returns their first."""


class _Reader:
    """Reads a pattern from left to right, and builds its steps from right to left."""

    def __init__(self, text: str, steps: list[_Step]) -> None:
        self.text, self.steps, self.at, self.depth = text, steps, 0, 0

    def read_all(self, end: int) -> int:
        builder = self._read_alternatives()
        if self.at < len(self.text):
            raise self._make_error("has no '(' before this ')'")
        return builder(end)

    def _make_error(self, reason: str) -> InvalidData:
        return InvalidData(f"the rule {self.text!r}", [Problem(f"character {self.at + 1}", reason)])

    def _add(self, step: _Step) -> int:
        # refused while it grows: nested repeats multiply, and tell their size only when written out
        if len(self.steps) >= MAX_STEPS:
            raise self._make_error(f"asks for more than {MAX_STEPS} steps: use smaller repeats")
        self.steps.append(step)
        return len(self.steps) - 1

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _read_alternatives(self) -> Builder:
        alternatives = [self._read_sequence()]
        while self._peek() == "|":
            self.at += 1
            alternatives.append(self._read_sequence())
        if len(alternatives) == 1:
            return alternatives[0]
        return lambda after: self._add(
            _Step(next=tuple(alternative(after) for alternative in alternatives))
        )

    def _read_sequence(self) -> Builder:
        builders: list[Builder] = []
        while self._peek() not in ("", "|", ")"):
            is_anchor = self._peek() in ("^", "$")
            builder = self._read_element()
            if not is_anchor:
                builder = self._read_repeat(builder)
            builders.append(builder)

        def build(after: int) -> int:
            # backwards: a step names those that follow it, and these must have their numbers by
            # then
            for builder in reversed(builders):
                after = builder(after)
            return after

        return build

    def _read_element(self) -> Builder:
        sign = self._peek()
        if sign == "(":
            return self._read_group()
        if sign in ("^", "$"):
            self.at += 1
            return lambda after: self._add(_Step(anchor=sign, next=(after,)))
        test = self._read_test(sign)
        return lambda after: self._add(_Step(test, next=(after,)))

    def _read_test(self, sign: str) -> Test:
        if self._is_at_repeat():
            raise self._make_error(f"has nothing before {sign!r} to repeat")
        if sign == "[":
            return self._read_character_test(
                _CLASS, "is not a class of characters: '[' needs its ']'"
            )
        if sign == "\\":
            return self._read_character_test(_ESCAPE, "is an escape that is not understood here")
        self.at += 1
        if sign == ".":
            return lambda character: character != "\n"
        return lambda character: character == sign

    def _read_character_test(self, form: re.Pattern[str], reason: str) -> Test:
        match = form.match(self.text, self.at)
        try:
            test = _compile_character(match[0]) if match else None
        except re.error as error:
            raise self._make_error(str(error)) from None
        if match is None or test is None:
            raise self._make_error(reason)
        self.at = match.end()
        return test.fullmatch

    def _read_group(self) -> Builder:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._make_error(f"nests groups more than {MAX_DEPTH} deep")
        if self.text.startswith("(?", self.at) and not self.text.startswith("(?:", self.at):
            raise self._make_error(
                "is a kind of group that is not understood here: use '(…)' or '(?:…)'"
            )
        opening = "("
        if self.text.startswith("(?:", self.at):
            opening = "(?:"
        self.at += len(opening)
        inner = self._read_alternatives()
        if self._peek() != ")":
            raise self._make_error("lacks a ')'")
        self.at += 1
        self.depth -= 1
        return inner

    def _read_repeat(self, element: Builder) -> Builder:
        if not self._is_at_repeat():
            return element
        low, high = self._read_count()
        if max(low, high or 0) > MAX_STEPS or (high is not None and high < low):
            raise self._make_error("is not a count that can be repeated")
        if self._peek() == "?":  # lazy: the same texts match
            self.at += 1
        if self._is_at_repeat():
            raise self._make_error("repeats a repeat: put it into a group")
        return lambda after: self._build_repeat(element, low, high, after)

    def _is_at_repeat(self) -> bool:
        counted = _COUNT.match(self.text, self.at)
        return self._peek() in _SIGNS or (counted is not None and counted[0] != "{}")

    def _read_count(self) -> tuple[int, int | None]:
        """Return how often a part is repeated: at least, and at most where there is a limit."""
        counted = _COUNT.match(self.text, self.at)
        if counted is None:
            self.at += 1
            return _SIGNS[self.text[self.at - 1]]
        # "{,3}" is a count for Python, three characters for JavaScript, and an error for Java
        if not counted[1]:
            raise self._make_error(
                "is not read alike everywhere: write '{0,' for a count from 0 on"
            )
        self.at = counted.end()
        low = _parse_count(counted[1])
        if not counted[2]:  # "{3}"
            return low, low
        if not counted[3]:  # "{3,}"
            return low, None
        return low, _parse_count(counted[3])

    def _build_repeat(self, element: Builder, low: int, high: int | None, after: int) -> int:
        if high is None:
            # filled in below: the element leads back to this step, which so must have its number
            # first
            loop = self._add(_Step())
            self.steps[loop] = _Step(next=(element(loop), after))
            first = loop
        else:
            first = after
            # each of these may be skipped, and then all behind it are
            for _ in range(high - low):
                first = self._add(_Step(next=(element(first), after)))
        for _ in range(low):
            before, first = first, element(first)
            if first == before:  # it takes nothing, however often
                break
        return first
