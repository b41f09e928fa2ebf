"""Values as JSON and back: what is written, what is read, and what is refused where."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import given
from jsonschema import Draft202012Validator
from support.scenes import cats, labeled, taken

import itagflow
from itagflow import (
    Accept,
    Box,
    Choice,
    Choices,
    Field,
    FixedSize,
    Flow,
    Group,
    GroupByField,
    Inspect,
    InvalidData,
    Keypoint,
    Keypoints,
    Label,
    Mask,
    Merge,
    PackageCount,
    Point,
    Polygon,
    Polyline,
    Preference,
    PreLabel,
    Ranking,
    Rating,
    Regions,
    Relation,
    RotatedBox,
    Route,
    Segment,
    Segments,
    Selection,
    Spans,
    Stage,
    Template,
    Text,
    TextSpan,
    Workflow,
    templates,
)
from itagflow.errors import Problem
from itagflow.json import from_json, json_schema, parse_key, to_json
from itagflow.json.kinds import INPUTS, UNIONS
from itagflow.model import JobPartition, LoadReport, Lot, RejectedLots, StageQueue
from itagflow.quality import Iso2859, SequentialPlan, SinglePlan, TablePlan
from itagflow.templates import (
    AddOption,
    AddQuestion,
    DropOption,
    DropQuestion,
    Option,
    Question,
    QuestionKind,
    RenameOption,
    RenameQuestion,
    Scale,
    View,
    ViewKind,
)
from itagflow.testing import (
    make_answer,
    make_assignment,
    make_event,
    make_job,
    make_task,
    make_workspace,
)

AT = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
LARGE = 2**53


def made_again(value: Any) -> Any:
    """Send a value as text, as to a browser and back."""
    return json.loads(json.dumps(to_json(value), allow_nan=False))


# -- what is written --


def test_keys_are_texts_and_numbers_are_numbers() -> None:
    task = to_json(make_task(3, job=7532021212319075461))
    assert (task["job"], task["number"]) == ("7532021212319075461", 3)


def test_integers_that_javascript_would_round_are_texts() -> None:
    assert to_json([LARGE - 1, LARGE, -LARGE]) == [LARGE - 1, str(LARGE), str(-LARGE)]
    row = json.dumps({"data": {"source": "1.jpg", "tweet": LARGE + 1, "also": [1, LARGE + 1]}})
    data = to_json(make_task(row=row))["data"]
    assert data == {"source": "1.jpg", "tweet": str(LARGE + 1), "also": [1, str(LARGE + 1)]}


def test_a_float_is_a_number_however_large() -> None:
    assert to_json(Rating(LARGE + 1)) == {"kind": "rating", "value": LARGE + 1}
    assert to_json(float("inf")) is None


def test_times_are_in_utc_and_durations_in_seconds() -> None:
    in_shanghai = AT.astimezone(timezone(timedelta(hours=8)))
    assert to_json([in_shanghai, AT.replace(microsecond=5)]) == [
        "2026-11-28T09:30:00Z",
        "2026-11-28T09:30:00.000005Z",
    ]
    assert to_json(AT.replace(tzinfo=None)) == "2026-11-28T09:30:00Z"
    assert to_json(Label(lease=timedelta(minutes=1)))["lease"] == 60


def test_enums_are_their_words() -> None:
    assert to_json({Stage.LABEL: Stage.INSPECT}) == {"label": "inspect"}
    assert to_json(Keypoint("nose", 1, 2)) == {"name": "nose", "x": 1.0, "y": 2.0}
    assert to_json(Keypoint("nose", visibility=0)) == {"name": "nose", "visibility": 0}


def test_a_mapping_without_names_is_a_list_of_pairs() -> None:
    queue = to_json(StageQueue(priorities={2.5: 3}))
    assert queue["priorities"] == [{"key": 2.5, "value": 3}]
    assert to_json(StageQueue())["priorities"] == []
    assert to_json({1: "a"}) == [{"key": 1, "value": "a"}]


def test_ranges_say_the_first_and_the_last() -> None:
    report = to_json(LoadReport(tasks=(range(1, 4), range(7, 8))))
    assert report["tasks"] == [{"first": 1, "last": 3}, {"first": 7, "last": 7}]
    assert report["loaded"] == 4


def test_what_would_tell_too_much_is_left_out() -> None:
    assert "seed" not in to_json(make_job())
    assert "pseudonym_key" not in to_json(make_workspace())
    assert not {"token", "token_arguments"} & set(to_json(make_assignment(token="secret")))


def test_nothing_is_null_where_zero_stands_for_it() -> None:
    event = to_json(make_event("create_workspace", member=0, job=0))
    assert (event["member"], event["job"], event["package"]) == (None, None, None)


def test_an_iterator_is_written_to_its_end(flow: Flow) -> None:
    job = cats(flow)
    written = to_json(flow.results.list(job))
    assert [result["task"]["number"] for result in written] == [1, 2, 3, 4]


def test_accounts_are_beside_keys_where_a_flow_is_given(flow: Flow) -> None:
    job = cats(flow)
    assignment = labeled(flow, "ben", job)
    key = str(assignment.member)
    assert to_json(assignment)["member"] == {"id": key, "account": None}
    assert to_json(assignment, flow)["member"] == {"id": key, "account": "ben"}
    results = to_json(list(flow.results.list(job)), flow)
    assert results[0]["stages"]["label"]["member"]["account"] == "ben"
    workforce = to_json(flow.jobs.get(job), flow)["workforce"]
    accounts = [each["account"] for each in workforce["label"]["members"]]
    assert "ben" in accounts
    assert None not in accounts


def test_a_member_who_is_not_there_has_no_account(flow: Flow) -> None:
    assert to_json(make_assignment(member=17), flow)["member"] == {"id": "17", "account": None}


@pytest.mark.parametrize("value", [object(), b"bytes", 1j, {"a": object()}, [len]])
def test_what_has_no_json_is_refused(value: Any) -> None:
    with pytest.raises(InvalidData, match="there is no JSON for"):
        to_json(value)


def test_what_is_part_of_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidData, match="nested too deeply"):
        to_json(endless)


# -- what is read --


def test_keys_come_as_text() -> None:
    assert parse_key("7532021212319075461") == parse_key(7532021212319075461)
    for wrong in ("", "-1", "1.5", "0x10", "٣", "1" * 40, "ben"):
        with pytest.raises(InvalidData, match="must be a text of digits"):
            parse_key(wrong)


def test_every_problem_is_told_at_its_place() -> None:
    sent = {"label": {"votes": "3", "x": 1}, "inspect": {"task_share": 3}, "accept": []}
    with pytest.raises(InvalidData) as refused:
        from_json("Workflow", sent)
    assert refused.value.what == "the Workflow"
    assert [problem.where for problem in refused.value.problems] == [
        "label.x",
        "label.votes",
        "inspect.task_share",
        "accept",
    ]


@pytest.mark.parametrize(
    ("kind", "sent", "message"),
    [
        ("Packaging", {"size": 1}, "kind: is missing; it is one of"),
        ("Packaging", {"kind": "box", "size": 1}, "kind: must be one of fixedsize"),
        ("Packaging", [], "must be an object"),
        ("FixedSize", {"kind": "packagecount", "size": 1}, "kind: must be fixedsize"),
        ("FixedSize", {"size": "many"}, "size: must be a whole number, not 'many'"),
        ("FixedSize", {"size": True}, "size: must be a whole number, not True"),
        ("FixedSize", {}, "size: is missing"),
        ("Selection", {"since": "yesterday"}, "since: must be a time such as 2026-"),
        ("Selection", {"since": "2026-02-30T00:00:00Z"}, "since: must be a time such as"),
        ("Selection", {"since": "2026-11-28T09:30:00"}, "since: must be a time such as"),
        ("Selection", {"member": 17}, "member: must be an account, or an object with"),
        ("Selection", {"member": {"id": "ben"}}, "member.id: must be a key"),
        ("Selection", {"state": "open"}, "state: must be one of todo, answered"),
        ("Selection", {"field": ["site"]}, "field: must be an object"),
        ("Label", {"lease": "1h"}, "lease: must be a number of seconds"),
        ("Label", {"lease": 1e300}, "lease: must be a number of seconds"),
        ("Label", {"redo_all": 1}, "redo_all: must be true or false"),
        ("Label", {"on_overdue": 5}, "on_overdue: must be a text or an object"),
        ("Label", {"on_overdue": {"1": {"kind": "cat"}}}, "on_overdue.1.kind: must be one of"),
        ("Replies", [], "must be an object: replies by question id"),
        ("Replies", {"1": {"kind": "choice"}}, "1.key: is missing"),
        ("Choice", {"kind": "text", "key": "cat"}, "kind: must be one of choice"),
        ("Template", {"questions": {}}, "questions: must be a list"),
        ("Template", {"questions": [{"id": "1"}]}, r"questions\[0\].kind: is missing"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(kind: str, sent: Any, message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        from_json(kind, sent)


def test_what_is_nested_without_end_is_refused() -> None:
    option: dict[str, Any] = {"key": "a"}
    for _ in range(5_000):
        option = {"key": "a", "children": [option]}
    with pytest.raises(InvalidData, match="nested too deeply"):
        from_json("Option", option)


def test_what_is_only_written_is_not_read() -> None:
    with pytest.raises(InvalidData, match="Job is only written; from_json reads Replies"):
        from_json(itagflow.Job, {})
    with pytest.raises(InvalidData, match="must be a class of values"):
        from_json("Jobs", {})


def test_a_member_is_an_account_or_a_key() -> None:
    assert from_json("Selection", {"member": "17"}) == Selection(member="17")
    assert from_json("Selection", {"member": {"id": "17"}}) == Selection(member=17)
    assert from_json("Label", {"rework": "queue"}).rework is Route.QUEUE
    assert from_json("Label", {"rework": {"id": "17", "account": "ben"}}).rework == 17


def test_a_whole_number_may_have_a_point_or_be_a_text_if_it_is_large() -> None:
    assert from_json("FixedSize", {"size": 3.0}) == FixedSize(3)
    assert from_json("FixedSize", {"size": str(LARGE)}) == FixedSize(LARGE)
    mask = Mask([1, LARGE + 1])
    assert from_json("Mask", made_again(mask)) == mask


# -- what comes back --

words = st.text("abzé猫7_-.", min_size=1, max_size=8)
whole = st.integers(1, 2**60)
numbers = st.floats(-1e6, 1e6, allow_nan=False).filter(lambda number: abs(number) > 1e-3)
lengths = st.floats(0.1, 1e4)
shares = st.floats(0.01, 1)
durations = st.timedeltas(timedelta(seconds=1), timedelta(days=9_999))
about = {
    "label": st.none() | words,
    "id": st.none() | words,
    "color": st.none() | st.just("#239125"),
}
labels = st.dictionaries(words, words | st.lists(words, min_size=1).map(tuple), min_size=1)
points = st.tuples(numbers, numbers)
region = st.one_of(
    st.builds(Box, numbers, numbers, lengths, lengths, **about),
    st.builds(Box, numbers, numbers, lengths, lengths, labels=labels),
    st.builds(RotatedBox, numbers, numbers, lengths, lengths, numbers),
    st.builds(Polygon, st.lists(points, min_size=3, max_size=5)),
    st.builds(Polyline, st.lists(points, min_size=2, max_size=5), **about),
    st.builds(Point, numbers, numbers),
    st.builds(Keypoints, st.just([Keypoint("nose", 1, 2), Keypoint("tail", visibility=0)])),
    st.builds(Mask, st.lists(whole, min_size=2, max_size=4)),
)
span = st.builds(
    lambda start, length, **more: TextSpan(start, start + length, **more),
    st.integers(0, 2**55),
    st.integers(1, 9),
    label=words,
)
segment = st.builds(
    lambda start, length, **more: Segment(start, start + length, **more),
    st.floats(0, 1e5),
    lengths,
    labels=labels,
)
reply = st.one_of(
    st.builds(Choice, words),
    st.builds(Choices, st.lists(words, unique=True)),
    st.builds(Text, words),
    st.builds(Ranking, st.lists(words, min_size=1, unique=True)),
    st.builds(Rating, numbers | whole),
    st.builds(Preference, words, degree=st.integers(1, 3)),
    st.builds(Preference, st.none(), tie=st.sampled_from([None, "both good", "both bad"])),
    st.builds(Regions, st.lists(region, max_size=3), width=st.just(640), height=st.just(480)),
    st.builds(Spans, st.lists(span, max_size=3)),
    st.builds(Segments, st.lists(segment, max_size=3)),
)
replies = st.dictionaries(words, reply)
option = st.recursive(
    st.builds(Option, words, words, shortcut=st.just("1")),
    lambda inner: st.builds(Option, words, children=st.tuples(inner)),
    max_leaves=3,
)
question = st.one_of(
    st.builds(Question, words, st.just(QuestionKind.INPUT), words, rule=st.just("[a-z]+")),
    st.builds(
        lambda name, title, options, **more: Question(
            name, QuestionKind.RADIO, title, options=tuple(map(Option, options)), **more
        ),
        words,
        words,
        st.lists(words, min_size=2, max_size=3, unique=True),
        required=st.booleans(),
        shuffle=st.booleans(),
    ),
    st.builds(
        Question,
        words,
        st.just(QuestionKind.RATING),
        words,
        scale=st.builds(Scale, high=st.integers(2, 9)),
    ),
)
view = st.builds(View, st.sampled_from(list(ViewKind)[:2]), words, title=words)
template = st.builds(
    lambda question, **more: Template(questions=(question,), **more),
    question,
    views=st.tuples(view),
    id=st.integers(0, 2**62),
    version=st.integers(0, 9),
    abandon_reasons=st.lists(words, unique=True, max_size=2),
)
field = st.builds(Field, words, skill=st.just("lang:{}"), least=st.none() | numbers)
common = {"lease": st.none() | durations, "limit": st.none() | whole, "requires": st.none()}
reasons = st.lists(words, unique=True)
plan = st.one_of(
    st.builds(Iso2859, st.sampled_from([0.65, 1.0, 2.5]), st.sampled_from(["II", "S-4"])),
    st.builds(SequentialPlan, st.just(0.02), st.just(0.08)),
    st.builds(SinglePlan, st.integers(5, 50), st.integers(0, 5), lot=st.none() | st.just(50)),
    st.just(TablePlan([(90, 5, 0), (None, 20, 1)])),
)
plan_of_a_stage = plan.filter(lambda plan: getattr(plan, "lot", None) is None)
review = {**common, "task_share": st.none() | shares, "reasons": reasons}
planned = {**common, "plan": plan_of_a_stage, "rejected_lots": st.sampled_from(RejectedLots)}
inspect = st.builds(Inspect, **review) | st.builds(Inspect, **planned)
accept = st.builds(Accept, **review) | st.builds(Accept, **planned)
label = st.one_of(
    st.builds(
        Label,
        votes=st.just(3),
        min_votes=st.integers(1, 3),
        merge=st.dictionaries(words, st.builds(Merge, st.just("median"), shares)),
        on_dispute=st.sampled_from(["review", "keep"]),
        **common,
    ),
    st.builds(
        Label,
        rework=st.sampled_from(list(Route)) | whole | words,
        on_overdue=st.none() | st.just("escalate") | st.dictionaries(words, reply, min_size=1),
        **common,
    ),
)
packaging = st.one_of(
    st.builds(FixedSize, whole),
    st.builds(PackageCount, whole),
    st.builds(GroupByField, words, max_size=st.none() | whole),
)
step = st.one_of(
    st.builds(AddOption, words, option, inside=words),
    st.builds(AddQuestion, question, reply=st.none() | reply),
    st.builds(DropOption, words, words, to=st.none() | words),
    st.builds(DropQuestion, words, about=words),
    st.builds(RenameOption, words, words, words),
    st.builds(RenameQuestion, words, words),
)
selection = st.builds(
    Selection,
    label=st.none() | words,
    state=st.sampled_from([None, "final", "todo"]),
    member=st.none() | whole | words,
    package=st.none() | whole,
    since=st.none() | st.datetimes(timezones=st.just(UTC)),
    field=st.dictionaries(words, words),
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "Replies": replies,
    "Reply": reply,
    "Region": region,
    "Packaging": packaging,
    "Plan": plan,
    "TemplateStep": step,
    "Template": template,
    "Question": question,
    "Option": option,
    "Scale": st.builds(Scale, high=st.integers(2, 99)),
    "View": view,
    "Workflow": st.builds(
        lambda *rules: Workflow(*rules),
        label,
        inspect,
        accept,
    ),
    "Label": label,
    "Inspect": inspect,
    "Accept": accept,
    "Field": field,
    "Lot": st.builds(Lot, packages=st.integers(1, 1_000)),
    "Merge": st.builds(Merge, st.just("mean"), st.none() | shares),
    "Group": st.builds(Group, words),
    "Selection": selection,
    "PreLabel": st.builds(PreLabel, reply | replies, score=st.none() | shares, model=words),
    "Problem": st.builds(Problem, words, words),
    "JobPartition": st.builds(
        JobPartition, job=whole, first=st.just(3), last=st.integers(3, 9), packages=st.just((1, 2))
    ),
    "Keypoint": st.builds(Keypoint, words, numbers, numbers),
    "Relation": st.builds(Relation, st.integers(0, 5), st.integers(6, 9), label=words),
    "Segment": segment,
    "TextSpan": span,
}


def test_every_kind_that_is_read_is_tried() -> None:
    of_unions = {kind.__name__ for union in UNIONS.values() for kind in union.__args__}
    assert set(VALUES) | of_unions == set(INPUTS) | set(UNIONS)


@pytest.fixture(scope="module")
def validators() -> dict[str, Draft202012Validator]:
    return {name: Draft202012Validator(json_schema(name)) for name in VALUES}


@pytest.mark.parametrize("name", VALUES)
@given(data=st.data())
def test_what_is_written_fits_its_schema_and_is_read_as_the_same(
    name: str, validators: dict[str, Draft202012Validator], data: st.DataObject
) -> None:
    value = data.draw(VALUES[name])
    sent = made_again(value)
    validators[name].validate(sent)
    assert from_json(name, sent) == value
    if attrs.has(type(value)):
        assert from_json(type(value), sent) == value


@given(
    st.sampled_from(sorted(VALUES)),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.text(max_size=5) | st.just("kind"), inner)
        ),
        max_leaves=8,
    ),
)
def test_whatever_is_sent_only_our_errors_come_out(name: str, value: Any) -> None:
    try:
        from_json(name, value)
    except InvalidData as error:
        assert str(error)


def test_ready_made_templates_come_back() -> None:
    for made in (
        templates.image_classification(["cat", "dog"]),
        templates.object_detection(["car"]),
        templates.pairwise_preference(comment=True),
        templates.dialogue_rating(["good"]),
    ):
        assert from_json("Template", made_again(made)) == made


def test_answers_that_a_screen_sends_are_read(flow: Flow) -> None:
    job = cats(flow)
    assignment = taken(flow, "ben", job)
    items = to_json(flow.tasks(assignment), flow)
    answer = from_json("Replies", {"1": {"kind": "choice", "key": "cat"}})
    saved = flow.save(assignment, items[0]["task"]["number"], answer)
    assert to_json(saved)["replies"] == {"1": {"kind": "choice", "key": "cat"}}
    assert made_again(make_answer(2, replies=answer))["replies"] == to_json(saved)["replies"]
