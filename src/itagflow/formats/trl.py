"""Rows for training language models, as TRL reads them: pairs, single judgments, or messages.

::

    {"prompt": "The sky is", "chosen": " blue.", "rejected": " green."}
    {"prompt": "The sky is", "completion": " blue.", "label": true}
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}

Each line is a row.  With ``conversational`` prompts and responses are lists of messages, too.
Source: TRL, *Dataset formats and types*.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

import attrs

from itagflow import jsontext
from itagflow.errors import InvalidData, Problem
from itagflow.formats._files import Source, Target, open_target
from itagflow.formats._pictures import (
    QUESTION,
    TEXTS,
    find_question,
    find_replies,
    list_fields,
    lose_other_replies,
)
from itagflow.formats._port import LIMIT, Counts, FormatContext, FormatOption, WriteReport
from itagflow.formats._trl_reading import read_lines
from itagflow.formats._trl_shapes import (
    ASSISTANT,
    MESSAGES,
    PAIRS,
    SINGLE,
    USER,
    Judge,
    make_messages,
    require_text,
)
from itagflow.model.result import Result
from itagflow.model.task import Row, Task
from itagflow.model.template import Question, QuestionKind

__all__ = ["CONCATENABLE", "READ_OPTIONS", "WRITE_OPTIONS", "read", "write"]

CONCATENABLE = True
"""Each row is a line of its own."""
KIND = FormatOption("kind", str, PAIRS, choices=(PAIRS, SINGLE, MESSAGES))
"""What a row is: two responses, one that is good or not, or a whole conversation."""
CONVERSATIONAL = FormatOption("conversational", bool, False)
"""Whether prompts and responses are lists of messages; those of a conversation always are."""
PROMPT = FormatOption("prompt", str, None)
"""The field with the prompt; the first that is shown unless given."""
RESPONSE = FormatOption("response", str, None)
"""The field with the response that is judged; the last that is shown unless given."""
GOOD = FormatOption("good", str, None)
"""What makes a response a good one: the least rating, or the key of the option."""
DEGREE = FormatOption("margin", bool, False)
"""Whether pairs have the degree of the preference, as the margin for a reward model."""
READ_OPTIONS = (KIND, QUESTION, PROMPT, RESPONSE, GOOD, LIMIT)
"""Which question the rows answer, and where texts belong."""
WRITE_OPTIONS = (KIND, QUESTION, CONVERSATIONAL, PROMPT, RESPONSE, GOOD, DEGREE)
"""Which question is written, and how."""
PAIRED = frozenset({QuestionKind.PREFERENCE, QuestionKind.RANKING})
JUDGED = frozenset({QuestionKind.RATING, QuestionKind.RADIO, QuestionKind.PREFERENCE})
QUESTIONS = {PAIRS: PAIRED, SINGLE: JUDGED, MESSAGES: TEXTS}
"""The questions that each kind of row can be made of."""


def read(source: Source, context: FormatContext, /) -> Iterator[Row | Problem]:
    """Yield the rows, or what is wrong with one, with its line.

    With a template the texts are in the fields that it shows, and the judgment is the result of
    labeling: of a pair the chosen response is the first option.  Without one the data of a row is
    what the line has.

    Args:
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``.
        context: What is asked, and the options ``kind``, ``question``, ``prompt``, ``response``,
            ``good`` and ``limit``.

    Raises:
        InvalidData: when the template asks nothing of the kind, or ``good`` is needed or wrong.
    """
    rows = None if context.template is None else _Rows.find(context)
    return read_lines(source, context, None if rows is None else rows.parse)


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write rows of the answers to one question.

    - Pairs are of a PREFERENCE, or of a RANKING: each response with every one below it.
    - A response that is good or not is of a RATING or RADIO, by ``good``; or of a PREFERENCE: both
      responses, of which the better one is good.
    - Messages are the prompt, and the text that a member wrote.

    Args:
        results: The tasks with their results, in the order in which they are to be written.
        target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  When
            something goes wrong, a path or place is left as it was.
        context: What was asked, the stages, and the options.

    Raises:
        InvalidData: when the template asks nothing of the kind, ``good`` is needed or wrong, or the
            data has no prompt or response.
        StoreFailed: when the system does not write a path.
    """
    counts, rows = Counts(context), _Rows.find(context)
    with open_target(target) as file:
        for result in results:
            replies = find_replies(result, counts)
            lose_other_replies(rows.question, replies, result.task, counts)
            reply = replies.get(rows.question.id)
            if reply is None:
                continue
            for row in rows.make(reply, result.task, counts):
                text = f"{jsontext.dumps(row)}\n"
                file.write(text.encode(errors="backslashreplace"))
    return counts.build_report()


@attrs.frozen(kw_only=True)
class _Rows:
    """Makes rows of replies, and replies of rows."""

    question: Question
    kind: str
    prompt: str
    """The field with the prompt."""
    response: str
    """The field with the response; empty where the options are the fields."""
    judge: Judge | None
    """Says which replies mean that a response is good, where one is judged by itself."""
    conversational: bool
    margin: bool

    @classmethod
    def find(cls, context: FormatContext) -> _Rows:
        """Return what makes the rows of the question that is meant.

        Raises:
            InvalidData: when there is no such question, or ``good`` is needed or wrong.
        """
        options = context.options
        kind: str = options[KIND.name]
        question = find_question(context, QUESTIONS[kind])
        shown = list_fields(context.template) or ["prompt"]
        is_single = kind == SINGLE and question.kind is not QuestionKind.PREFERENCE
        return cls(
            question=question,
            kind=kind,
            prompt=options[PROMPT.name] or shown[0],
            response=options[RESPONSE.name] or shown[-1],
            judge=Judge.make(question, options[GOOD.name]) if is_single else None,
            conversational=options.get(CONVERSATIONAL.name, False) or kind == MESSAGES,
            margin=options.get(DEGREE.name, False),
        )

    def make(self, reply: Mapping[str, Any], task: Task, counts: Counts) -> list[dict[str, Any]]:
        """Return the rows of a reply, which is plain JSON.

        Raises:
            InvalidData: when the data has no prompt or response.
        """
        prompt = self._find(task, self.prompt, USER)
        if self.kind == MESSAGES:
            answer = {"role": ASSISTANT, "content": reply["text"]}
            return [{"messages": [*prompt, answer]}]
        if self.judge is not None:
            completion = self._find(task, self.response, ASSISTANT)
            label = self.judge.is_good(reply)
            return [{"prompt": prompt, "completion": completion, "label": label}]
        if self.kind == SINGLE:
            return self._make_both(prompt, reply, task, counts)
        return self._make_pairs(prompt, reply, task, counts)

    def _make_both(
        self, prompt: Any, reply: Mapping[str, Any], task: Task, counts: Counts
    ) -> list[dict[str, Any]]:
        """Return a row for each of two responses that were compared."""
        better, tie = reply["better"], reply.get("tie")
        if better is None and tie is None:
            counts.lose(task, "ties, of which nobody said whether both are good")
            return []
        _lose_degree(reply, task, counts)
        return [
            {
                "prompt": prompt,
                "completion": self._find(task, option.key, ASSISTANT),
                "label": tie == "both good" if better is None else option.key == better,
            }
            for option in self.question.options
        ]

    def _make_pairs(
        self, prompt: Any, reply: Mapping[str, Any], task: Task, counts: Counts
    ) -> list[dict[str, Any]]:
        """Return a row for each two responses of which one is better."""
        pairs: Iterable[tuple[str, str]]
        if self.question.kind is QuestionKind.RANKING:
            pairs = combinations(reply["keys"], 2)
        elif reply["better"] is None:
            counts.lose(task, _name_tie(reply.get("tie")))
            return []
        else:
            better: str = reply["better"]
            others = [option.key for option in self.question.options if option.key != better]
            pairs = [(better, others[0])]
            if not self.margin:
                _lose_degree(reply, task, counts)
        more = {"margin": float(reply.get("degree", 1))} if self.margin else {}
        return [
            {
                "prompt": prompt,
                "chosen": self._find(task, chosen, ASSISTANT),
                "rejected": self._find(task, rejected, ASSISTANT),
                **more,
            }
            for chosen, rejected in pairs
        ]

    def _find(self, task: Task, field: str, role: str) -> Any:
        """Return a text of the data: as it is, or as messages of which *role* said it.

        Raises:
            InvalidData: when it is none.
        """
        value = task.data.get(field)
        try:
            return make_messages(value, role) if self.conversational else require_text(value)
        except ValueError as error:
            raise InvalidData(str(task), [Problem(f"data.{field}", str(error))]) from None

    def parse(self, line: Mapping[str, Any]) -> tuple[dict[str, Any], str, Mapping[str, Any]]:
        """Return the data that a line has, the question that it answers, and the reply.

        Raises:
            KeyError: as `_parse`.
            ValueError: as `_parse`.
        """
        data, reply = self._parse(line)
        return data, self.question.id, reply

    def _parse(self, line: Mapping[str, Any]) -> tuple[dict[str, Any], Mapping[str, Any]]:
        """Return the data that a line has, and the reply that it says, as plain JSON.

        Raises:
            KeyError: when it lacks something.
            ValueError: when it has something else than there must be.
        """
        if self.kind == MESSAGES:
            *prompt, answer = make_messages(line["messages"], USER)
            if answer["role"] != ASSISTANT:
                raise ValueError("the last of its messages must be of the assistant")
            text = require_text(answer["content"])
            return {self.prompt: prompt}, {"kind": "text", "text": text}
        if self.judge is not None:
            data = {self.prompt: line["prompt"], self.response: line["completion"]}
            return data, self.judge.make_reply(line["label"])
        keys = [option.key for option in self.question.options]
        if self.kind == SINGLE or len(keys) != 2:
            raise ValueError("says no answer to this question: a pair is read of two options")
        data = {self.prompt: line["prompt"], keys[0]: line["chosen"], keys[1]: line["rejected"]}
        if self.question.kind is QuestionKind.RANKING:
            return data, {"kind": "ranking", "keys": keys}
        degree = line.get("margin", 1)
        if not isinstance(degree, int | float) or degree < 1 or degree != int(degree):
            raise ValueError(f"margin must be a degree, from 1, not {degree!r}")
        return data, {"kind": "preference", "better": keys[0], "degree": int(degree)}


def _name_tie(tie: str | None) -> str:
    return "ties" if tie is None else f"ties with {tie}"


def _lose_degree(reply: Mapping[str, Any], task: Task, counts: Counts) -> None:
    if reply.get("degree", 1) > 1:
        counts.lose(task, "degrees of preferences")
