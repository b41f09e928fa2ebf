"""What the event of a snapshot says, and what erasing takes out of its results."""

from __future__ import annotations

from typing import Any

import attrs

from itagflow import Choice, Result, Selection, Stage, TaskState
from itagflow.model import StageResult
from itagflow.results import snapshot_rules as rules
from itagflow.testing import make_answer, make_event, make_task

FILE = rules.SnapshotFile(
    "first.jsonl",
    (4, 5),
    Selection(label="cat"),
    rows=3,
    sha256="ab12",
    complete_to=8,
    template={"questions": []},
)


def event(verb: str, name: str, position: int = 1) -> Any:
    data = rules.build_snapshot_data(name, FILE) if verb == rules.MADE else {"snapshot": name}
    return make_event(verb, position=position, data=data)


def test_an_event_says_what_was_kept() -> None:
    found = rules.build_snapshot(attrs.evolve(event(rules.MADE, "first", 9), account="ada"))
    assert (found.name, found.position, found.account) == ("first", 9, "ada")
    assert (found.jobs, found.target, found.where) == ((4, 5), "first.jsonl", {"label": "cat"})
    assert (found.rows, found.sha256, found.complete_to) == (3, "ab12", 8)
    assert event(rules.MADE, "first").data["template"] == {"questions": []}


def test_what_was_dropped_is_not_kept_and_its_name_is_free() -> None:
    first, second, again = (
        event(rules.MADE, name, at) for name, at in (("a", 1), ("b", 2), ("a", 4))
    )
    dropped = event(rules.DROPPED, "a", 3)
    assert list(rules.choose_kept([first, second])) == ["a", "b"]
    assert list(rules.choose_kept([first, second, dropped])) == ["b"]
    assert rules.choose_kept([first, second, dropped, again]) == {"b": second, "a": again}
    assert rules.choose_kept([dropped]) == {}


def test_what_people_wrote_goes_and_what_they_chose_stays() -> None:
    vote = make_answer(replies={"1": Choice("cat")}, comment="ben saw it")
    given_up = make_answer(abandon_reason="dark, says ben", escalation_reason="ask ben")
    stage = StageResult(
        stage=Stage.LABEL, replies=None, abandon_reason="dark, says ben", round=1, member=2
    )
    said = StageResult(stage=Stage.INSPECT, replies={"1": Choice("dog")}, round=1, member=2)
    result = Result(
        task=make_task(1),
        state=TaskState.FINAL,
        stages={Stage.LABEL: stage, Stage.INSPECT: said},
        votes=(vote, given_up),
    )
    found = rules.without_texts(result)
    assert "ben" not in repr(attrs.asdict(found))
    assert found.stages[Stage.LABEL].abandon_reason == "erased"
    assert found.stages[Stage.INSPECT] == said
    assert [vote.comment for vote in found.votes] == ["erased", ""]
    assert found.votes[0].replies == {"1": Choice("cat")}
    assert found.votes[1].escalation_reason == found.votes[1].abandon_reason == "erased"
