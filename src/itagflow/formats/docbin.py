"""DocBin: texts with their spans as spaCy stores them, to train it; it needs the extra ``spacy``.

Each task is a document.  Its spans are all in the span group ``sc``, as spaCy's span categorizer
reads them; those that do not overlap are also its entities, as its entity recognizer reads them.
Offsets count characters, as here.  Source: spacy.io, *DocBin*.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._files import CHUNK, Source, Target, open_source, open_target
from itagflow.formats._packages import load_package
from itagflow.formats._pictures import LABEL, QUESTION
from itagflow.formats._port import Counts, FormatContext, FormatOption, WriteReport
from itagflow.formats._rows import render_row
from itagflow.formats._shapes import Plain
from itagflow.formats._texts import FIELD, MarkedText, find_text_field
from itagflow.model.job import Stage
from itagflow.model.result import Result
from itagflow.model.span import Spans, TextSpan
from itagflow.model.task import Row, Task

__all__ = ["READ_OPTIONS", "WRITE_OPTIONS", "read", "write"]

GROUP = FormatOption("spans_key", str, "sc")
"""What the group of all spans is called."""
LANGUAGE = FormatOption("language", str, "xx")
"""The language whose rules cut texts into words; ``xx`` has rules for several."""
READ_OPTIONS = (QUESTION, LABEL, FIELD, GROUP)
"""Which question the spans answer, and which group of spans is read."""
WRITE_OPTIONS = (QUESTION, LABEL, FIELD, GROUP, LANGUAGE)
"""Which question's spans are written, and how texts are cut into words."""
NAME = "the format 'docbin'"
_HALF = re.compile(r"[\ud800-\udfff]")
"""Half of a surrogate pair, which UTF-8 has no bytes for."""


def read(source: Source, context: FormatContext, /) -> Iterator[Row | Problem]:
    """Yield a row for each document, with its spans as the result of labeling.

    The spans are those of the group, or the entities where there is no such group.  The whole file
    is held in memory.

    Args:
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``.
        context: What is asked, and the options: ``question``, ``label``, ``field`` (the field for
            the text) and ``spans_key``.

    Raises:
        InvalidData: when spaCy is not installed.
    """
    load_package("spacy", "spacy", NAME)
    marked = None if context.template is None else MarkedText.find(context, str)
    field = find_text_field(context)
    parts: list[bytes] = []
    with open_source(source) as file:
        while part := file.readline(CHUNK):
            parts.append(part)
    group = None if marked is None else context.options[GROUP.name]
    for number, document in enumerate(_iter_documents(b"".join(parts), group), 1):
        if isinstance(document, Problem):
            yield document
            continue
        results = {}
        try:
            if marked is not None:
                spans = _build_spans(document, marked)
                results = {Stage.LABEL: {marked.question.id: spans}}
        except InvalidData as error:
            yield from (Problem(f"document {number}", str(each)) for each in error.problems)
            continue
        yield render_row({"data": {field: document.text}}, results, context.template)


@attrs.frozen
class _Document:
    """What is read of a document: plain values, which raise nothing any more."""

    text: str
    spans: Sequence[tuple[int, int, str]]
    """Where each begins and ends, and its class."""


def _iter_documents(content: bytes, group: str | None) -> Iterator[_Document | Problem]:
    """Yield the documents of a file, with the spans of *group*, or what is wrong with one."""
    tokens, vocab = import_module("spacy.tokens"), import_module("spacy.vocab")
    # Of what is broken spaCy raises whatever comes from its parts: of the file, of a document, and
    # of what a document is asked.
    try:
        documents = tokens.DocBin().from_bytes(content).get_docs(vocab.Vocab())
        for number, document in enumerate(documents, 1):
            yield _read_document(document, group, number)
    except Exception as error:
        reason = f"is no DocBin that can be read: {type(error).__name__}: {error}"
        yield Problem("the file", reason)


def _read_document(document: Any, group: str | None, number: int) -> _Document | Problem:
    try:
        found = () if group is None else document.spans.get(group, document.ents)
        spans = [(span.start_char, span.end_char, span.label_) for span in found]
        return _Document(document.text, spans)
    except Exception as error:
        return Problem(f"document {number}", f"cannot be read: {type(error).__name__}: {error}")


def _build_spans(document: _Document, marked: MarkedText) -> Spans:
    """Return the spans of a document as a reply.

    Raises:
        InvalidData: when one cannot be.
    """
    return Spans(
        [
            TextSpan(start, end, document.text[start:end], labels=marked.make_labels(label))
            for start, end, label in document.spans
        ]
    )


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write the spans of one question; all documents are held in memory until the end.

    Args:
        results: The tasks with their results, in the order in which they are to be written.
        target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  When
            something goes wrong, a path or place is left as it was.
        context: What was asked, the stages, and the options: ``question``, ``label`` (the question
            that says the class), ``field`` (the field with the text), ``spans_key`` and
            ``language`` (a code such as ``en``).

    Raises:
        InvalidData: when spaCy is not installed or does not know the language, when the template
            asks nothing of the kind, or a task has no text.
    """
    spacy = load_package("spacy", "spacy", NAME)
    counts = Counts(context)
    marked = MarkedText.find(context, str)
    writer = _Writer(marked, counts, _make_language(spacy, context.options[LANGUAGE.name]))
    documents = import_module("spacy.tokens").DocBin()
    with open_target(target) as file:
        for result in results:
            reply = marked.find_reply(result, counts)
            if reply is not None:
                documents.add(writer.make_document(reply, result.task))
        file.write(documents.to_bytes())
    return counts.build_report()


def _make_language(spacy: Any, code: str) -> Any:
    """Return what cuts texts of a language into words.

    Raises:
        InvalidData: when spaCy does not know it, or needs another package for it.
    """
    try:
        language = spacy.blank(code)
    except (ImportError, ValueError) as error:
        reason = f"is no language that spaCy can cut into words here: {error}"
        raise InvalidData("the format", [Problem(LANGUAGE.name, reason)]) from error
    language.max_length = 2**31 - 1  # a warning of spaCy for its parsers, which are not used
    return language


@attrs.frozen
class _Writer:
    """Makes documents of texts and spans."""

    marked: MarkedText
    counts: Counts
    language: Any

    def make_document(self, reply: Plain, task: Task) -> Any:
        """Return the document of a task."""
        text = self.marked.find_text(task)
        if _HALF.search(text):
            self.counts.lose(task, "halves of surrogate pairs in texts (written as ?)")
        document = self.language.make_doc(_HALF.sub("?", text))
        spans = [self._make_span(document, span, task) for span in reply["spans"]]
        kept = [span for span in spans if span is not None]
        document.spans[self.counts.context.options[GROUP.name]] = kept
        # where spans overlap, the longest are the entities
        document.set_ents(import_module("spacy.util").filter_spans(kept))
        for _ in reply.get("relations") or ():
            self.counts.lose(task, "relations between spans")
        return document

    def _make_span(self, document: Any, span: Plain, task: Task) -> Any:
        """Return a span; None, and count it as lost, when it cannot be one."""
        key = self.marked.find_class(span, task, self.counts)
        if key is None:
            return None
        found = document.char_span(span["start"], span["end"], label=key)
        if found is None:
            self.counts.lose(task, "spans that begin or end inside of a word")
        elif self.marked.has_further_labels(span):
            self.counts.lose(task, "further labels of spans")
        return found
