"""Unit tests of `itagflow.delivery.payload_rules`: the JSON of events, and its schema."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from itagflow import Event, Result, TaskState
from itagflow.delivery import EVENT_SCHEMA, RESULT_SCHEMA, Message, payload_rules
from itagflow.testing import AT, make_event, make_task


def a_message(event: Event) -> Message:
    id = payload_rules.make_id(7, event.position)
    return Message(
        id=id,
        position=event.position,
        job=event.job,
        event=event,
        payload=payload_rules.describe_event(id, event),
    )


EVENTS: list[Event] = [
    make_event("create_workspace", position=1, job=0, data={"name": "street"}),
    make_event("claim", position=2, package=3, account="ben"),
    make_event("save", position=3, package=3, task=8),
    make_event("reject", position=5, package=3, data={"tasks": (7,)}),
    make_event("submit", position=4, package=3, became_text="final 8-9 abandoned 10"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_the_schema_describes_the_json(event: Event) -> None:
    Draft202012Validator.check_schema(dict(EVENT_SCHEMA))
    payload = dict(a_message(event).payload)
    Draft202012Validator(dict(EVENT_SCHEMA)).validate(payload)
    assert list(payload) == list(EVENT_SCHEMA["properties"]) == EVENT_SCHEMA["required"]


def test_keys_are_texts_and_what_there_is_not_is_null() -> None:
    of_job = payload_rules.describe_event("msg_1", EVENTS[1])
    assert (of_job["workspace"], of_job["job"], of_job["package"]) == ("1", "4", 3)
    of_none = payload_rules.describe_event("msg_1", EVENTS[0])
    assert (of_none["job"], of_none["package"], of_none["account"]) == (None, None, "")


def test_an_event_names_its_tasks() -> None:
    assert [payload_rules.list_tasks(event) for event in EVENTS] == [[], [], [8], [7], [8, 9]]


def test_an_id_names_the_cursor_the_position_and_the_part() -> None:
    assert payload_rules.make_id(7, 12) == "msg_7_12"
    assert payload_rules.make_id(7, 12, 0) == "msg_7_12_0"


def test_a_batch_of_the_same_messages_has_the_same_id() -> None:
    one, two, three = map(a_message, EVENTS[:3])
    id = payload_rules.make_batch_id([one, two])
    assert id.startswith("msg_7_1_")
    assert id == payload_rules.make_batch_id([one, two])
    assert len({id, *(payload_rules.make_batch_id(some) for some in ([one], [one, three]))}) == 3


def test_a_cloud_event_has_the_message_as_its_data() -> None:
    message = a_message(EVENTS[-1])
    wrapped: dict[str, Any] = payload_rules.wrap_in_cloud_event(message, "https://l.example.org")
    assert wrapped == {
        "specversion": "1.0",
        "id": "msg_7_4",
        "source": "https://l.example.org",
        "type": "itagflow.submit",
        "subject": "jobs/4/packages/3",
        "time": AT.isoformat(),
        "datacontenttype": "application/json",
        "data": message.payload,
    }
    of_none = payload_rules.wrap_in_cloud_event(a_message(EVENTS[0]), "x")
    assert "subject" not in of_none
    of_job = payload_rules.wrap_in_cloud_event(a_message(make_event("pause", position=9)), "x")
    assert of_job["subject"] == "jobs/4"


def test_the_tasks_of_an_event_are_numbered_in_order() -> None:
    event = make_event("submit", became_text="final 2-3,9 abandoned 5")
    assert payload_rules.number_tasks(event) == {2: 0, 3: 1, 5: 2, 9: 3}
    assert payload_rules.number_tasks(make_event("claim")) == {}


def test_the_schema_of_results_describes_their_json() -> None:
    Draft202012Validator.check_schema(dict(RESULT_SCHEMA))
    task = make_task(8, row='{"data": {"source": "1.jpg"}}')
    result = Result(task=task, state=TaskState.FINAL, stages={}, became="final", revision=2)
    payload = payload_rules.describe_result("msg_7_4_0", EVENTS[-1], result, {"1": {}})
    Draft202012Validator(dict(RESULT_SCHEMA)).validate(payload)
    assert list(payload) == list(RESULT_SCHEMA["properties"]) == RESULT_SCHEMA["required"]
    assert (payload["task"], payload["data"], payload["revision"]) == (8, {"source": "1.jpg"}, 2)
    assert payload["abandon_reason"] is None


def test_the_examples_of_the_documentation_are_right() -> None:
    page = (Path(__file__).parents[3] / "docs" / "delivery.md").read_text("utf-8")
    event, result = map(json.loads, re.findall(r"```json\n(.*?)```", page, re.DOTALL))
    Draft202012Validator(dict(EVENT_SCHEMA)).validate(event)
    Draft202012Validator(dict(RESULT_SCHEMA)).validate(result)
