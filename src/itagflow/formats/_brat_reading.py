"""Files of brat as rows: a text each, with its spans and relations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from zipfile import ZipFile

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._brat_names import NAME, REFUSED, Names, spell
from itagflow.formats._files import Source
from itagflow.formats._parts import spell_keys
from itagflow.formats._port import FormatContext
from itagflow.formats._rows import render_row
from itagflow.formats._texts import find_text_field, make_label
from itagflow.formats._zip import BROKEN, open_zip, read_entry
from itagflow.model.job import Stage
from itagflow.model.span import Relation, Spans, TextSpan
from itagflow.model.task import Row
from itagflow.model.template import Question, QuestionKind

_SPAN = re.compile(r"(\S+) ([0-9]{1,15}) ([0-9]{1,15})")
_RELATION = re.compile(r"(\S+) [^\s:]+:(T\S+) [^\s:]+:(T\S+)\s*")
_LABEL = re.compile(r"(\S+) ([TR]\S+)(?: (\S+))?\s*")
_EXAMPLES = {
    "T": "T1, tab, a class, the first character and the one behind the last, tab, the text",
    "R": "R1, tab, a class, Arg1:T1 and Arg2:T2",
    "A": "A1, tab, a name, T1 and a value",
}
"""What a line must have, by how it begins."""


def read_zip(source: Source, context: FormatContext) -> Iterator[Row | Problem]:
    """Yield a row for each text."""
    names = None if context.template is None else Names.find(context)
    try:
        with open_zip(source) as archive:
            texts = [name for name in archive.namelist() if name.endswith(".txt")]
            if not texts:
                yield Problem("the file", "has no .txt file for each text")
            for file in texts:
                try:
                    yield _read_text(archive, file, context, names)
                except InvalidData as error:
                    yield from error.problems
    except InvalidData:
        # it is a ValueError too: the source is no file at all
        raise
    except BROKEN as error:
        yield Problem("the file", f"is no zip file that can be read: {error}")


def _read_text(archive: ZipFile, file: str, context: FormatContext, names: Names | None) -> Row:
    text = _decode(archive, file)
    stem = file.removesuffix(".txt")
    data = {find_text_field(context): text}
    if context.options[NAME.name] is not None:
        data[context.options[NAME.name]] = stem
    results = {}
    marks = f"{stem}.ann"
    if names is not None and marks in archive.NameToInfo:
        reply = _Reader(names, text, marks).read(_decode(archive, marks))
        results = {Stage.LABEL: {names.marked.question.id: reply}}
    return render_row({"data": data}, results, context.template)


def _decode(archive: ZipFile, file: str) -> str:
    try:
        content = read_entry(archive, file)
    except BROKEN as error:
        raise _make_error(file, f"cannot be read: {error}") from error
    try:
        return (content or b"").decode()
    except UnicodeDecodeError as error:
        raise _make_error(file, "is not UTF-8") from error


@attrs.define
class _Part:
    """A span or a relation before it is complete: what is said of it may stand anywhere."""

    line: int
    place: tuple[int, int] | tuple[str, str]
    """Where a span begins and ends, or which spans a relation joins."""
    labels: dict[str, Any]


@attrs.define
class _Reader:
    """Reads what is marked in a text."""

    names: Names
    text: str
    file: str
    spans: dict[str, _Part] = attrs.field(factory=dict[str, _Part], init=False)
    relations: dict[str, _Part] = attrs.field(factory=dict[str, _Part], init=False)
    problems: list[Problem] = attrs.field(factory=list[Problem], init=False)

    def read(self, content: str) -> Spans:
        """Return the spans and relations in a file.

        Raises:
            InvalidData: when a line is broken: some marks of a text would look like all of them.
        """
        lines = list(enumerate(content.removeprefix("\ufeff").split("\n"), 1))
        # what is said of a part may stand before it
        for kinds in ("TE", "R", "AM#"):
            for number, line in lines:
                if line[:1] and line[0] in kinds:
                    self._try(number, line.rstrip("\r"))
        for number, line in lines:
            if line.strip() and line[0] not in "TERAM#N*":
                self._add_problem(number, "must begin with T, R, A, M, #, N or *")
        spans = [self._build_span(part) for part in self.spans.values()]
        places = {id: place for place, id in enumerate(self.spans)}
        relations = [self._build_relation(part, places) for part in self.relations.values()]
        if self.problems:
            raise InvalidData("the file", self.problems)
        return Spans(
            [span for span in spans if span is not None],
            [relation for relation in relations if relation is not None],
        )

    def _try(self, number: int, line: str) -> None:
        id, _, rest = line.partition("\t")
        about, _, shown = rest.partition("\t")
        if line[0] == "E":
            self._add_problem(number, "is an event, which is not read")
        elif line[0] == "T":
            self._add_span(number, id, about, shown)
        elif line[0] == "R":
            self._add_relation(number, id, about)
        else:
            self._add_label(number, line[0], about, shown)

    def _add_span(self, number: int, id: str, about: str, shown: str) -> None:
        found = _SPAN.fullmatch(about)
        if found is None:
            several = "; a span of several parts is not read" if ";" in about else ""
            self._add_problem(number, f"must be {_EXAMPLES['T']}{several}")
            return
        start, end = int(found[2]), int(found[3])
        there = self.text[start:end]
        if REFUSED.sub(" ", there) != REFUSED.sub(" ", shown):
            reason = f"says {shown!r}, and the text has {there!r} there: count characters"
            self._add_problem(number, reason)
            return
        self.spans[id] = _Part(number, (start, end), self.names.marked.make_labels(found[1]))

    def _add_relation(self, number: int, id: str, about: str) -> None:
        found = _RELATION.fullmatch(about)
        if found is None:
            self._add_problem(number, f"must be {_EXAMPLES['R']}")
            return
        labels: dict[str, Any] = {}
        if self.names.relation is not None:
            key = self.names.relation_names.get(found[1], found[1])
            labels = make_label(self.names.relation, key)
        self.relations[id] = _Part(number, (found[2], found[3]), labels)

    def _add_label(self, number: int, kind: str, about: str, shown: str) -> None:
        found = _LABEL.fullmatch(about)
        if found is None:
            if kind != "#":  # a note about an event, or about nothing
                self._add_problem(number, f"must be {_EXAMPLES['A']}")
            return
        name, id, value = found.groups()
        part = (self.spans | self.relations).get(id)
        if part is None:
            if kind != "#":
                self._add_problem(number, f"is about {id}, which is not there")
            return
        asked = self.names.parts if id[0] == "T" else self.names.links
        question = asked.get(name)
        if kind == "#":
            if question is not None and not question.options:
                part.labels[question.title] = shown
        elif question is None:
            self._add_problem(number, f"has the attribute {name!r}, which no question asks")
        else:
            _say(part.labels, question, value or "")

    def _build_span(self, part: _Part) -> TextSpan | None:
        start, end = part.place
        try:
            return TextSpan(
                int(start), int(end), self.text[int(start) : int(end)], labels=part.labels
            )
        except InvalidData as error:
            self._add_problem(part.line, str(error.problems[0]))
            return None

    def _build_relation(self, part: _Part, places: dict[str, int]) -> Relation | None:
        source, target = map(str, part.place)
        if source not in places or target not in places:
            self._add_problem(part.line, "joins a span that is not there")
            return None
        try:
            return Relation(places[source], places[target], labels=part.labels)
        except InvalidData as error:
            self._add_problem(part.line, str(error.problems[0]))
            return None

    def _add_problem(self, number: int, reason: str) -> None:
        self.problems.append(Problem(f"{self.file}, line {number}", reason))


def _say(labels: dict[str, Any], question: Question, value: str) -> None:
    """Add an answer to a question of options; several can be chosen in some."""
    key = spell_keys(question, spell).get(value, value)
    if question.kind is QuestionKind.CHECKBOX:
        labels[question.title] = (*labels.get(question.title, ()), key)
    else:
        labels[question.title] = key


def _make_error(where: str, reason: str) -> InvalidData:
    return InvalidData("the file", [Problem(where, reason)])
