"""CoNLL-2003: a word in a line with its tag, as programs that find names in texts are trained.

::

    -DOCSTART- -X- O O

    Acme -X- _ B-company
    Corp -X- _ I-company
    bought -X- _ O
    Initech -X- _ B-company

A task is a document, a line of its text is a sentence, and its spans are tags in IOB2: ``B-`` for
the first word of a span, ``I-`` for the others, ``O`` for words in none.  The format has words and
no spaces: a text that is read has one space between two words.  Source: Tjong Kim Sang and De
Meulder, *Introduction to the CoNLL-2003 Shared Task*, 2003.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

import attrs

from itagflow.errors import Problem
from itagflow.formats._conll_reading import DOCUMENT, read_documents, spell
from itagflow.formats._files import Source, Target, open_target
from itagflow.formats._pictures import LABEL, QUESTION
from itagflow.formats._port import LIMIT, Counts, FormatContext, FormatOption, WriteReport
from itagflow.formats._shapes import Plain
from itagflow.formats._texts import FIELD, MarkedText
from itagflow.model.result import Result
from itagflow.model.task import Row, Task

__all__ = ["READ_OPTIONS", "WRITE_OPTIONS", "read", "write"]

# the sign for a new document is never a word: it is cut in two
_WORDS = {
    "words": re.compile(r"\w+|[^\w\s]"),
    "characters": re.compile(r"\S"),
    "spaces": re.compile(r"(?<!\S)-(?=DOCSTART-(?!\S))|\S+"),
}
TOKENS = FormatOption("tokens", str, "words", choices=tuple(_WORDS))
"""What a line has: a word or another sign, one character, or what stands between spaces."""
READ_OPTIONS = (QUESTION, LABEL, FIELD, LIMIT)
"""Which question the spans answer, and how long a line may be."""
WRITE_OPTIONS = (QUESTION, LABEL, FIELD, TOKENS)
"""Which question's spans are written, and how texts are cut into words."""


def read(source: Source, context: FormatContext, /) -> Iterator[Row | Problem]:
    """Yield a row for each document, with its spans as the result of labeling.

    Where no line is ``-DOCSTART-``, each sentence is a document.  Tags may also be in IOB1 or
    IOBES; columns between the word and the last one are skipped.

    Args:
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``.
        context: What is asked, and the options: ``question``, ``label``, ``field`` (the field for
            the text) and ``limit`` (how many bytes a line may have).
    """
    return read_documents(source, context)


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write the spans of one question as tags of words.

    Args:
        results: The tasks with their results, in the order in which they are to be written.
        target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  When
            something goes wrong, a path or place is left as it was.
        context: What was asked, the stages, and the options: ``question``, ``label`` (the question
            that says the class), ``field`` (the field with the text) and ``tokens`` (``words``,
            ``characters`` or ``spaces``: how texts are cut).

    Raises:
        InvalidData: when the template asks nothing of the kind, or a task has no text.
    """
    counts = Counts(context)
    writer = _Writer(MarkedText.find(context, spell), counts, _WORDS[context.options[TOKENS.name]])
    with open_target(target) as file:
        for result in results:
            reply = writer.marked.find_reply(result, counts)
            if reply is not None:
                file.write(writer.render(reply, result.task).encode())
    return counts.build_report()


@attrs.frozen
class _Document:
    """A text and the words in it."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]
    sentences: Sequence[int]
    """Which word begins a sentence, by its index."""

    @classmethod
    def split(cls, text: str, pattern: re.Pattern[str]) -> _Document:
        places = [found.span() for found in pattern.finditer(text)]
        starts, ends = [start for start, _ in places], [end for _, end in places]
        breaks = [
            index
            for index, start in enumerate(starts)
            if index and re.search(r"[\r\n]", text[ends[index - 1] : start])
        ]
        return cls(text, starts, ends, breaks)

    def rebuild(self) -> str:
        """Return the text as it is read again."""
        breaks = set(self.sentences)
        parts: list[str] = []
        for index, (start, end) in enumerate(zip(self.starts, self.ends, strict=True)):
            parts.append("\n" if index in breaks else " " if index else "")
            parts.append(_encode(self.text[start:end]))
        return "".join(parts)


@attrs.frozen
class _Writer:
    """Makes tags of spans."""

    marked: MarkedText
    counts: Counts
    pattern: re.Pattern[str]

    def render(self, reply: Plain, task: Task) -> str:
        """Return the lines of a document."""
        document = _Document.split(self.marked.find_text(task), self.pattern)
        if document.rebuild() != document.text:
            self.counts.lose(task, "texts with other spaces than one between words")
        for _ in reply.get("relations") or ():
            self.counts.lose(task, "relations between spans")
        tags = self._tag(document, reply["spans"], task)
        breaks = set(document.sentences)
        lines = [f"{DOCUMENT} -X- O O\n\n"]
        for index, tag in enumerate(tags):
            word = _encode(document.text[document.starts[index] : document.ends[index]])
            lines.append("\n" if index in breaks else "")
            lines.append(f"{word} -X- _ {tag}\n")
        return "".join(lines) + ("\n" if tags else "")

    def _tag(self, document: _Document, spans: Sequence[Plain], task: Task) -> list[str]:
        tags = ["O"] * len(document.starts)
        before = -1
        is_sorted = True
        for span in spans:
            words = self._find_words(document, span, task)
            key = None if words is None else self.marked.find_class(span, task, self.counts)
            if words is None or key is None:
                continue
            if any(tags[index] != "O" for index in words):
                self.counts.lose(task, "spans that overlap another one")
                continue
            if self.marked.has_further_labels(span):
                self.counts.lose(task, "further labels of spans")
            for index in words:
                tags[index] = f"{'B' if index == words.start else 'I'}-{spell(key)}"
            is_sorted = is_sorted and before < words.start
            before = words.start
        if not is_sorted:
            self.counts.lose(task, "orders of spans (written as they stand in the text)")
        return tags

    def _find_words(self, document: _Document, span: Plain, task: Task) -> range | None:
        """Return which words a span has; None, and count it as lost, when it cannot be written."""
        first = bisect_left(document.starts, span["start"])
        last = bisect_right(document.ends, span["end"])
        reason = ""
        if first >= last or not document.text[span["start"] : span["end"]].strip():
            reason = "spans without a whole word"
        elif (document.starts[first], document.ends[last - 1]) != (span["start"], span["end"]):
            reason = "spans that begin or end inside of a word, or at a space"
        elif any(first < index < last for index in document.sentences):
            reason = "spans over several lines"
        if not reason:
            return range(first, last)
        self.counts.lose(task, reason)
        return None


def _encode(word: str) -> str:
    """Return a word without halves of surrogate pairs, which have no place in UTF-8."""
    return word.encode(errors="replace").decode()
