"""Any bytes as files and as answers: what is accepted can be stored, and comes back equal from the files."""

from __future__ import annotations

import io
import json
import math
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from fuzz.attempts import as_json, attempt
from itagflow import (
    Box,
    Choice,
    FixedSize,
    GroupByField,
    Job,
    Polygon,
    Regions,
    Result,
    Stage,
    Task,
    TaskState,
    Template,
    Text,
    formats,
    jsontext,
    templates,
)
from itagflow.formats import csv, itag
from itagflow.jobs import row_rules
from itagflow.labeling.rules import shuffle_options
from itagflow.model import Row, StageResult
from itagflow.model.pattern import Pattern
from itagflow.model.reply import Replies, Reply
from itagflow.schema import answer_schema, replies_from_json, replies_to_json
from itagflow.templates import Option, Question, QuestionKind, Scale, from_itag, to_itag
from itagflow.testing import make_job
from itagflow.validation import answers

TEXT = "Acme 猫 bought 😀 Widget Ltd in Oslo."
ENTITIES = templates.entity_relation(["company", "place"], ["bought"])
LOOSE = Template(
    questions=(
        Question(
            "007",
            QuestionKind.PICTURE,
            "Areas",
            required=False,
            children=(
                Question(
                    "1",
                    QuestionKind.CHECKBOX,
                    "Sorts",
                    (Option("cat"), Option("dog")),
                    required=False,
                ),
                Question("2", QuestionKind.INPUT, "Note", required=False),
            ),
        ),
        Question(
            "008", QuestionKind.CHECKBOX, "Tags", (Option("cat"), Option("dog")), required=False
        ),
    )
)
"""Asks for little, under ids that are not how a number is written."""
TEMPLATES: tuple[Template, ...] = (
    LOOSE,
    templates.audio_segmentation(["agent", "customer"]),
    templates.dialogue_rating(["helpful", "harmless"], scale=Scale(0, 1, 0.25)),
    ENTITIES,
    templates.image_captioning(tags=["indoor", "outdoor"]),
    templates.image_classification(["cat", "dog"]),
    templates.keypoints(["nose", "tail"], ["cat"]),
    templates.moderation(["violence", "fraud"]),
    templates.object_detection(["car", "sign"]),
    templates.ocr(["amount", "date"]),
    templates.pairwise_preference(degrees=3),
    templates.preference_ranking(["a", "b", "c"]),
    templates.segmentation(["road", "roof"]),
    templates.table_recognition(),
    Template(
        questions=(
            attrs.evolve(
                templates.entity_recognition(["place"], title="Places").questions[0], id="1"
            ),
            attrs.evolve(ENTITIES.questions[0], id="2"),
            Question("3", QuestionKind.TEXT_EDIT, "Put right", rule="[^\n]+", required=False),
        ),
        views=ENTITIES.views,
    ),
)
"""Every kind of question, alone and with others."""
JOBS: tuple[Job, ...] = (
    make_job(),
    make_job(row_key="source", packaging=FixedSize(2)),
    make_job(packaging=GroupByField("source")),
)
"""What rows are loaded into."""

OWN = tuple(f"label-4{suffix}" for suffix in itag.SUFFIX.values())
"""The keys under which results of job 4 stand."""
QUANTIFIER = re.compile(r"[*+?{|]")
"""What makes Python's own matching long."""


Same = Callable[[Reply, Reply], bool]
"""Tells whether two replies say the same."""


def manifest(data: bytes) -> None:
    """Read *data* as a manifest, and the results in its rows; write those that are sound, and read them again."""
    for number, row in enumerate(formats.read("itag", io.BytesIO(data)), 1):
        content = as_json(row.text) if isinstance(row, Row) else None
        for job in JOBS:
            load_row(row, number, job)
        if isinstance(content, Mapping):
            load_row(content, number, JOBS[0])
        if isinstance(row, Row) and isinstance(content, dict):
            _read_results(row, content)


def load_row(item: object, number: int, job: Job) -> None:
    """Take *item* as a row that is loaded into *job*: what it has can be stored."""
    prepared = row_rules.prepare_row(item, number, LOOSE, job)
    if isinstance(prepared, row_rules.PreparedRow):
        is_storable(prepared.text, prepared.row_key, prepared.value)


def _read_results(row: Row, content: dict[str, Any]) -> None:
    implied = attempt(itag.template_of, content)
    attempt(itag.result_in, content)
    for job in attempt(itag.blocks, content) or ():
        for template in (*TEMPLATES, *([] if implied is None else [implied])):
            said = attempt(itag.results_in, content, template, job=job) or {}
            for replies in said.values():
                _judge(template, replies, row.text)


def _judge(template: Template, replies: Replies, row: str) -> None:
    """Look for problems; where there are none, the replies must be storable, and come back equal from files."""
    task = Task(job=4, number=1, package=1, row=row)
    sound = isinstance(
        row_rules.prepare_row(Row(row), 1, attrs.evolve(template, views=()), JOBS[0]),
        row_rules.PreparedRow,
    )
    if answers.find_problems(template, replies, task if sound else None):
        return
    answers.has_label(replies, "car")
    plain = replies_to_json(replies)
    is_storable(*_texts(plain), jsontext.dumps(plain))
    assert replies_from_json(json.loads(jsontext.dumps(plain))) == replies
    written = row if sound else '{"data": {}}'
    _comes_back("itag", template, replies, written, is_equal)
    _comes_back("itag_v1", template, replies, written, _is_same)
    # an empty cell says nothing
    said = {id: reply for id, reply in replies.items() if reply not in (Text(""), Choice(""))}
    _comes_back("csv", template, said, written, is_equal)


def _comes_back(format: str, template: Template, replies: Replies, row: str, same: Same) -> None:
    """Write *replies* as the result of *row*, and read it again."""
    at = StageResult(stage=Stage.LABEL, replies=replies, round=1, member=2)
    task = Task(job=4, number=1, package=1, row=row)
    result = Result(task=task, state=TaskState.FINAL, stages={Stage.LABEL: at}, provenance=())
    target = io.BytesIO()
    how = {"template": template, "lossy": "error"}
    if attempt(formats.write, format, [result], target, **how) is None:
        return
    (line,) = formats.read(format, io.BytesIO(target.getvalue()))
    again = (
        _from_cells(line.text, template)
        if format == "csv"
        else _from_block(line.text, row, template)
    )
    assert list(again) == [question.id for question in template.asked if question.id in replies]
    for id, reply in replies.items():
        assert same(again[id], reply), id


def _from_cells(line: str, template: Template) -> Replies:
    return csv.parse(json.loads(line)["data"], template)


def _from_block(line: str, row: str, template: Template) -> Replies:
    assert _others(line) == _others(row)
    return itag.parse(itag.blocks(json.loads(line))["4"][Stage.LABEL], template)


def _others(row: str) -> dict[str, Any]:
    """Return the fields of a row that are not results of job 4, with numbers as they are spelled."""
    fields = json.loads(row, parse_float=str, parse_int=str, parse_constant=str)
    return {key: value for key, value in fields.items() if key not in OWN}


def is_equal(one: Reply, other: Reply) -> bool:
    """Return whether two replies are equal where an upright box is an outline, as in iTAG's files."""
    return _outlined(one) == _outlined(other)


def _outlined(reply: Reply) -> Reply:
    if not isinstance(reply, Regions):
        return reply
    outlines = [
        Polygon(at.points, labels=at.labels) if isinstance(at, Box) else at for at in reply.regions
    ]
    return attrs.evolve(reply, regions=outlines)


def _is_same(one: Reply, other: Reply) -> bool:
    """Return whether two replies say the same in the old format.

    Regions are rectangles there, in which corner one began is not kept, nor is the size of the
    image.
    """
    if not isinstance(one, Regions) or not isinstance(other, Regions):
        return one == other
    return all(_is_same_region(a, b) for a, b in zip(one.regions, other.regions, strict=True))


def _is_same_region(one: Any, other: Any) -> bool:
    said = [
        {title: value for title, value in at.labels.items() if value != ()} for at in (one, other)
    ]
    lies = all(any(_near(a, b) for b in other.points) for a in one.points)
    return said[0] == said[1] and lies and len(one.points) == len(other.points)


def _near(a: Iterable[float], b: Iterable[float]) -> bool:
    return all(math.isclose(u, v, rel_tol=1e-9, abs_tol=1e-6) for u, v in zip(a, b, strict=True))


def records(data: bytes) -> None:
    """Read *data* as CSV, and the results in its columns; write those that are sound, and read them again."""
    for number, row in enumerate(formats.read("csv", io.BytesIO(data)), 1):
        for job in JOBS:
            load_row(row, number, job)
        for template in TEMPLATES if isinstance(row, Row) else ():
            replies = attempt(csv.parse, json.loads(row.text)["data"], template)
            if replies:
                _judge(template, replies, row.text)


def answer(data: bytes) -> None:
    """Take *data* as replies in JSON, as a screen sends them, to each of the templates."""
    value = as_json(data)
    replies = None if value is None else attempt(replies_from_json, value)
    if replies is None:
        return
    for template in TEMPLATES:
        row = jsontext.dumps({"data": dict.fromkeys(template.fields, TEXT)})
        for task in (None, Task(job=4, number=1, package=1, row=row)):
            fitted = answers.normalize_replies(template, replies, task)
            if fitted is not None and not answers.find_problems(template, fitted, task):
                _judge(template, fitted, row)


def template(data: bytes) -> None:
    """Read *data* as a template of iTAG: as text and as plain types; it can be shown, and comes back."""
    read = attempt(from_itag, data)
    if read is None:
        return
    assert from_itag(as_json(data)) == read
    described = jsontext.dumps(read.describe())
    is_storable(described, *_texts(json.loads(described)))
    assert {key for keys in shuffle_options(read, 1, 1, 1).values() for key in keys} <= {
        key for question in read.asked for key in question.keys
    }
    attempt(answer_schema, read)
    written = attempt(to_itag, read)
    if written is not None:
        assert from_itag(jsontext.dumps(written)) == read


def rule(data: bytes) -> None:
    """Match the text after the first line with the regular expression in it, as Python's own would where it is safe."""
    pattern, _, text = data.decode(errors="replace").partition("\n")
    ours = attempt(Pattern, pattern)
    if ours is None:
        return
    matched = ours.matches(text)
    # Python's may need for ever unless all is small; its `$` also stands before a last line break
    small = len(pattern) <= 30 and len(text) <= 8 and len(QUANTIFIER.findall(pattern)) <= 4
    if small and not re.search(r"\{[^}]*\d\d", pattern) and not text.endswith("\n"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert matched == (re.fullmatch(pattern, text) is not None)


def is_storable(*texts: str) -> None:
    """Check that every store can hold these texts."""
    for text in texts:
        assert "\0" not in text
        text.encode()


def _texts(value: Any) -> Iterator[str]:
    """Yield every string in a value from JSON, keys too."""
    match value:
        case str():
            yield value
        case dict():
            for key, held in value.items():
                yield key
                yield from _texts(held)
        case list() | tuple():
            for held in value:
                yield from _texts(held)
