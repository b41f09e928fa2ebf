"""brat: a zip file with each text, and what is marked in it: spans, and relations between them.

::

    annotation.conf          the classes of spans and relations
    1.txt                    Acme bought Initech.
    1.ann                    T1    company 0 4      Acme
                             T2    company 12 19    Initech
                             R1    bought Arg1:T1 Arg2:T2

Offsets count characters, from 0, and the end is the character behind the last one.  What is said of
a span besides its class is an attribute (``A``), or, in words, a note (``#``).  Names have letters,
digits, ``_`` and ``-``; other signs become ``_``.  Source: brat.nlplab.org, *Standoff format*.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from itagflow.errors import Problem
from itagflow.formats._brat_names import CONFIG, NAME, REFUSED, Names, spell
from itagflow.formats._brat_reading import read_zip
from itagflow.formats._files import Source, Target
from itagflow.formats._names import SafeNames, split_name
from itagflow.formats._pictures import LABEL, QUESTION
from itagflow.formats._port import Counts, FormatContext, WriteReport
from itagflow.formats._shapes import Plain
from itagflow.formats._texts import FIELD, spread_label
from itagflow.formats._zip import add_entry, create_zip
from itagflow.model.result import Result
from itagflow.model.task import Row, Task
from itagflow.model.template import Question

__all__ = ["READ_OPTIONS", "WRITE_OPTIONS", "read", "write"]

READ_OPTIONS = WRITE_OPTIONS = (QUESTION, LABEL, FIELD, NAME)
"""Which question the spans answer, and where the text and its name stand in the data."""


def read(source: Source, context: FormatContext, /) -> Iterator[Row | Problem]:
    """Yield a row for each text, with its spans and relations as the result of labeling.

    A text without an ``.ann`` file has no result.  Events are refused; what brat calls
    normalizations, equivalences, and notes that answer no question are skipped.

    Args:
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``: a zip
            file with ``.txt`` and ``.ann`` files, in any folder.
        context: What is asked, and the options: ``question``, ``label``, ``field`` (the field for
            the text) and ``name`` (the field for the name of its file, if it is wanted).
    """
    return read_zip(source, context)


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write the texts, and the spans and relations of one question; the same bytes each time.

    Args:
        results: The tasks with their results, in the order in which they are to be written.
        target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  When
            something goes wrong, a path or place is left as it was.
        context: What was asked, the stages, and the options: ``question``, ``label`` (the question
            that says the class), ``field`` (the field with the text) and ``name`` (the field that
            files are called after; the number of the task unless given).

    Raises:
        InvalidData: when the template asks nothing of the kind, has names that are spelled alike,
            or a task has no text.
    """
    counts = Counts(context)
    names = Names.find(context)
    files = SafeNames()
    with create_zip(target) as archive:
        add_entry(archive, CONFIG, names.render_config().encode())
        for result in results:
            reply = names.marked.find_reply(result, counts)
            if reply is None:
                continue
            text = names.marked.find_text(result.task)
            stem = _choose_name(result.task, files, counts)
            writer = _Writer(names, counts, result.task, text)
            # half of a surrogate pair has no place in UTF-8; it stays one character
            add_entry(archive, f"{stem}.txt", text.encode(errors="replace"))
            add_entry(archive, f"{stem}.ann", writer.render(reply).encode(errors="replace"))
    return counts.build_report()


def _choose_name(task: Task, files: SafeNames, counts: Counts) -> str:
    """Return what the files of a task are called, without a suffix."""
    field = counts.context.options[NAME.name]
    number = counts.context.number_task(task)
    if field is None:
        return str(number)
    given = task.data.get(field)
    stem, _ = split_name(files.choose(f"{given}.txt", number))
    if stem != given:
        counts.lose(task, "names that no file can have (written as one that can)")
    return stem


@attrs.define
class _Writer:
    """Makes the lines about a text."""

    names: Names
    counts: Counts
    task: Task
    text: str
    attributes: int = attrs.field(default=0, init=False)
    notes: int = attrs.field(default=0, init=False)

    def render(self, reply: Plain) -> str:
        """Return the lines about the spans and the relations."""
        kept: dict[int, str] = {}
        lines: list[str] = []
        for index, span in enumerate(reply["spans"]):
            key = self.names.marked.find_class(span, self.task, self.counts)
            if key is None:
                continue
            id = kept[index] = f"T{len(kept) + 1}"
            shown = REFUSED.sub(" ", self.text[span["start"] : span["end"]])
            lines.append(f"{id}\t{spell(key)} {span['start']} {span['end']}\t{shown}\n")
            lines += self._render_labels(id, span, self.names.parts, self.names.marked.label)
        number = 0
        for relation in reply.get("relations") or ():
            ends = [kept.get(relation[name]) for name in ("source", "target")]
            key = self._find_relation(relation)
            if key is None or None in ends:
                self.counts.lose(self.task, "relations of no class, or of spans that are lost")
                continue
            number += 1
            lines.append(f"R{number}\t{spell(key)} Arg1:{ends[0]} Arg2:{ends[1]}\n")
            lines += self._render_labels(
                f"R{number}", relation, self.names.links, self.names.relation
            )
        return "".join(lines)

    def _find_relation(self, relation: Plain) -> str | None:
        """Return the key of the class of a relation; None when it has not exactly one."""
        question = self.names.relation
        if question is None:
            return None
        value: Any = spread_label(relation, self.names.marked.question.relations).get(
            question.title, ()
        )
        several = [value] if isinstance(value, str) else list(value)
        return several[0] if len(several) == 1 and several[0] in question.keys else None

    def _render_labels(
        self, id: str, part: Plain, asked: dict[str, Question], about: Question | None
    ) -> Iterator[str]:
        """Yield the lines of what is said of a part besides its class."""
        labels: dict[str, Any] = dict(part.get("labels") or {})
        if about is not None:
            labels.pop(about.title, None)
        for title, value in labels.items():
            question = asked.get(spell(title))
            if question is None or question.title != title:
                self.counts.lose(self.task, "labels that the template does not ask")
            elif question.options:
                for key in (value,) if isinstance(value, str) else value:
                    self.attributes += 1
                    yield f"A{self.attributes}\t{spell(title)} {id} {spell(key)}\n"
            else:
                yield self._render_note(id, title, value)

    def _render_note(self, id: str, title: str, text: str) -> str:
        self.notes += 1
        shown = REFUSED.sub(" ", text)
        if shown != text:
            self.counts.lose(self.task, "line ends and tabs in labels (written as spaces)")
        return f"#{self.notes}\t{spell(title)} {id}\t{shown}\n"
