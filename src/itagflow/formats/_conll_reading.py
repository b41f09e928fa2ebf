"""Files of CoNLL-2003 as rows: a document each, with its tags as spans."""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._files import (
    Source,
    decode_line,
    find_file_problem,
    open_source,
    read_lines,
)
from itagflow.formats._port import LIMIT, FormatContext
from itagflow.formats._rows import render_row
from itagflow.formats._texts import MarkedText, find_text_field
from itagflow.model.job import Stage
from itagflow.model.span import Spans, TextSpan
from itagflow.model.task import Row

DOCUMENT = "-DOCSTART-"
_SPACE = re.compile(r"\s")
_TAG = re.compile(r"([BIESLU])-(.+)|O", re.DOTALL)
_CONTINUING, _ENDING = "IEL", "ELSU"
"""The tags of words that go on with a span, and those of the last word of one."""


def spell(key: str) -> str:
    """Return a class as it is spelled in a tag: without spaces."""
    return _SPACE.sub("_", key)


@attrs.define
class _Document:
    """What is read of a document so far."""

    line: int
    """Where it begins."""
    words: list[str] = attrs.field(factory=list[str])
    """The words, and what stands before each."""
    length: int = 0
    spans: list[tuple[int, int, str]] = attrs.field(factory=list[tuple[int, int, str]])
    """Where spans begin and end, with their tags."""
    is_open: bool = False
    """Whether the next word may go on with the last span."""
    is_new_line: bool = False
    problems: list[Problem] = attrs.field(factory=list[Problem])

    def add(self, word: str, tag: str) -> None:
        """Add a word.

        Raises:
            InvalidData: when it has no tag that there is.
        """
        found = _TAG.fullmatch(tag)
        if found is None:
            reason = f"must be O, or B- or I- and a class, not {tag!r}"
            raise InvalidData("the line", [Problem("the tag", reason)])
        before = "" if not self.words else "\n" if self.is_new_line else " "
        self.is_new_line = False
        self.words.append(before + word)
        start = self.length + len(before)
        self.length = start + len(word)
        place, name = found.groups()
        if place is None:
            self.is_open = False
            return
        if self.is_open and place in _CONTINUING and self.spans[-1][2] == name:
            start, _, _ = self.spans.pop()
        self.spans.append((start, self.length, name))
        self.is_open = place not in _ENDING

    def end_sentence(self) -> None:
        """End a sentence, and with it the span that was open."""
        self.is_new_line = bool(self.words)
        self.is_open = False


def read_documents(source: Source, context: FormatContext) -> Iterator[Row | Problem]:
    """Yield a row for each document, or what is wrong with one."""
    marked = None if context.template is None else MarkedText.find(context, spell)
    field = find_text_field(context)
    with open_source(source) as file:
        lines = enumerate(read_lines(file, context.options[LIMIT.name]), 1)
        for document in _split(lines):
            if document.problems:
                yield from document.problems
                continue
            text = "".join(document.words)
            results = {}
            if marked is not None:
                spans = [
                    TextSpan(start, end, text[start:end], labels=marked.make_labels(name))
                    for start, end, name in document.spans
                ]
                results = {Stage.LABEL: {marked.question.id: Spans(spans)}}
            row = {"data": {field: text}}
            yield render_row(row, results, context.template, line=document.line)


def _split(lines: Iterator[tuple[int, bytes | None]]) -> Iterator[_Document]:
    """Yield the documents; without a line that begins one, each sentence is one."""
    document: _Document | None = None
    has_documents = False
    for number, line in lines:
        if number == 1 and (problem := find_file_problem(line)):
            yield _Document(1, problems=[problem])
            return
        columns = _split_line(line, number)
        begins = columns[:1] == [DOCUMENT] if isinstance(columns, list) else False
        if document is not None and (begins or (columns == [] and not has_documents)):
            yield document
            document = None
        if begins:
            has_documents, document = True, _Document(number)
        elif columns == [] and document is not None:
            document.end_sentence()
        elif columns:
            document = document or _Document(number)
            _add(document, columns, number)
    if document is not None:
        yield document


def _add(document: _Document, columns: list[str] | Problem, number: int) -> None:
    """Add a line to a document: a word, or what is wrong with it."""
    if isinstance(columns, Problem):
        document.problems.append(columns)
    elif len(columns) < 2:
        document.problems.append(Problem(f"line {number}", "must have a word and a tag"))
    else:
        try:
            document.add(columns[0], columns[-1])
        except InvalidData as error:
            document.problems += [Problem(f"line {number}", str(each)) for each in error.problems]


def _split_line(line: bytes | None, number: int) -> list[str] | Problem:
    """Return the columns of a line; none for an empty one."""
    if line is None:
        return Problem(f"line {number}", "is longer than limit=")
    text = decode_line(line, number)
    return text if isinstance(text, Problem) else text.split()
