"""Options that are shown to each person in an order of their own."""

from __future__ import annotations

from typing import Any

from support.scenes import street, taken

import itagflow
from itagflow import (
    Choice,
    FixedSize,
    Flow,
    Inspect,
    Job,
    Label,
    Preference,
    PreLabel,
    Ranking,
    Stage,
    Template,
    Workflow,
    maintenance,
    templates,
)
from itagflow.templates import DropOption, DropQuestion, Option, Question, RenameOption

THREE = templates.preference_ranking(["a", "b", "c"])
L, I = Stage.LABEL, Stage.INSPECT


def ranking(flow: Flow, tasks: int = 12, template: Template = THREE, **more: Any) -> Job:
    """A running job that asks to rank three responses."""
    home = street(flow, "ben", "cy", "di")
    data = {"prompt": "?", "a": "1", "b": "2", "c": "3"}
    return flow.jobs.create(
        home,
        "responses",
        template=template,
        data=[{"data": data}] * tasks,
        workflow=more.pop("workflow", Workflow(Label(), Inspect())),
        packaging=FixedSize(tasks),
        workforce={L: ["ben", "cy"], I: ["di"]},
        by="ada",
        **more,
    )


def orders(flow: Flow, assignment: Any) -> list[tuple[str, ...]]:
    return [item.order["1"] for item in flow.tasks(assignment)]


def test_each_person_sees_the_responses_of_each_task_in_an_order_of_their_own(flow: Flow) -> None:
    job = ranking(flow)
    ben = taken(flow, "ben", job)
    seen = orders(flow, ben)
    assert {tuple(sorted(order)) for order in seen} == {("a", "b", "c")}
    assert len(set(seen)) > 1
    # a page that is loaded again shows the same
    assert orders(flow, ben) == seen
    flow.save_many(ben, {number: Ranking(["a", "b", "c"]) for number in range(1, 13)})
    flow.submit(ben)
    di = taken(flow, "di", job, I)
    assert orders(flow, di) != seen


def test_the_answer_keeps_what_was_shown_and_the_reply_stays_by_key(flow: Flow) -> None:
    job = ranking(flow, tasks=3)
    ben = taken(flow, "ben", job)
    shown = {item.task.number: item.order for item in flow.tasks(ben)}
    # ben always takes what stands first
    for number, order in shown.items():
        answer = flow.save(ben, number, Ranking(order["1"]))
        assert answer.order == order
    assert [item.answer.order for item in flow.tasks(ben) if item.answer] == list(shown.values())
    flow.submit(ben)
    di = taken(flow, "di", job, I)
    for item in flow.tasks(di):
        assert item.submitted is not None
        assert item.submitted.order == shown[item.task.number]
        assert sorted(item.order["1"]) == ["a", "b", "c"]
    # di puts the second one right
    (seen,) = [item.order for item in flow.tasks(di) if item.task.number == 2]
    mine = flow.modify(di, 2, Ranking(["c", "b", "a"]))
    assert mine.order == seen
    flow.review(di)
    for number in (1, 2, 3):
        result = flow.results.get(job, number)
        assert result.stages[L].order == shown[number]
        assert result.stages[L].replies == {"1": Ranking(shown[number]["1"])}
        assert result.last is not None
        assert result.last.order == (mine.order if number == 2 else shown[number])
    assert list(maintenance.verify(flow)) == []


def test_nothing_is_kept_where_nothing_was_shuffled(flow: Flow) -> None:
    plain = Template(
        questions=(Question("1", "RADIO", "Which", (Option("a"), Option("b"))),), views=()
    )
    job = ranking(flow, tasks=1, template=plain)
    ben = taken(flow, "ben", job)
    assert [item.order for item in flow.tasks(ben)] == [{}]
    assert flow.save(ben, 1, Choice("a")).order == {}


def test_abandoning_and_restoring_keep_the_order(flow: Flow) -> None:
    job = ranking(flow, tasks=1)
    ben = taken(flow, "ben", job)
    saved = flow.save(ben, 1, Ranking(["a", "b", "c"]))
    flow.abandon(ben, 1, "unreadable")
    flow.submit(ben)
    assert flow.results.get(job, 1).stages[L].order == {}
    di = taken(flow, "di", job, I)
    restored = flow.restore(di, 1)
    # ben has ranked them as he saw them; di has only brought that back
    assert (restored.member, restored.order) == (di.member, saved.order)


def test_the_reply_that_was_replaced_keeps_its_order_in_the_history(flow: Flow) -> None:
    job = ranking(flow, tasks=1)
    ben = taken(flow, "ben", job)
    first = flow.save(ben, 1, Ranking(["a", "b", "c"]))
    flow.save(ben, 1, Ranking(["b", "a", "c"]))
    *_, event = flow.events.list(job)
    assert event.data["previous"]["1"]["order"] == {"1": list(first.order["1"])}


def test_votes_have_an_order_each_and_what_they_are_merged_to_has_none(flow: Flow) -> None:
    job = ranking(flow, tasks=1, workflow=Workflow(Label(votes=2, min_votes=2), Inspect()))
    votes = []
    for name, reply in (("ben", ["a", "b", "c"]), ("cy", ["c", "b", "a"])):
        held = taken(flow, name, job)
        votes.append(flow.save(held, 1, Ranking(reply)))
        flow.submit(held)
    assert flow.results.get(job, 1).stages[L].order == {}
    (item,) = flow.tasks(taken(flow, "di", job, I))
    assert [vote.order for vote in item.votes] == [vote.order for vote in votes]


def test_predictions_were_shown_to_nobody(flow: Flow) -> None:
    job = ranking(flow, tasks=1)
    prediction = PreLabel(Ranking(["a", "b", "c"]), score=0.1)
    flow.jobs.prelabel(job, lambda tasks: [prediction for _ in tasks], by="ada")
    (item,) = flow.tasks(taken(flow, "ben", job))
    assert item.prelabel is not None
    assert (item.prelabel.order, len(item.order["1"])) == ({}, 3)


def test_a_change_of_the_template_renames_the_options_in_the_order(flow: Flow) -> None:
    job = ranking(flow, tasks=1)
    ben = taken(flow, "ben", job)
    before = flow.save(ben, 1, Ranking(["a", "b", "c"]))
    flow.jobs.change_template(job, RenameOption("1", "c", "see"), by="ada")
    flow.submit(ben)
    renamed = tuple("see" if key == "c" else key for key in before.order["1"])
    assert flow.results.get(job, 1).stages[L].order == {"1": renamed}
    flow.jobs.change_template(job, DropOption("1", "see"), by="ada")
    rest = tuple(key for key in renamed if key != "see")
    assert flow.results.get(job, 1).stages[L].order == {"1": rest}


def test_a_question_that_is_dropped_takes_its_order_along(flow: Flow) -> None:
    pair = templates.pairwise_preference(comment=True)
    job = ranking(flow, tasks=1, template=pair)
    ben = taken(flow, "ben", job)
    flow.save(ben, 1, {"1": Preference("a")})
    flow.jobs.change_template(job, DropQuestion("1"), by="ada")
    flow.submit(ben)
    assert flow.results.get(job, 1).stages[L].order == {}


def test_what_is_erased_has_no_order(flow: Flow) -> None:
    job = ranking(flow, tasks=1)
    ben = taken(flow, "ben", job)
    flow.save(ben, 1, Ranking(["a", "b", "c"]))
    flow.save(ben, 1, Ranking(["b", "a", "c"]))
    flow.submit(ben)
    maintenance.erase_task(flow, (job, 1), by="ada")
    assert flow.results.get(job, 1).stages[L].order == {}
    kept = [
        previous
        for event in flow.events.list(job)
        for previous in event.data.get("previous", {}).values()
    ]
    assert [previous["replies"] for previous in kept] == [{}]
    assert not any("order" in previous for previous in kept)
    assert list(maintenance.verify(flow)) == []


def test_a_copy_shows_the_same_orders(flow: Flow) -> None:
    job = ranking(flow, tasks=6)
    ben = taken(flow, "ben", job)
    flow.save(ben, 1, Ranking(["a", "b", "c"]))
    seen = list(flow.tasks(ben))
    with itagflow.open("memory:") as other:
        maintenance.copy(flow, to=other.store)
        assert list(other.tasks(ben)) == seen


def test_who_always_takes_what_stands_first_is_found_out(flow: Flow) -> None:
    job = ranking(flow, tasks=30)
    ben = taken(flow, "ben", job)
    for item in flow.tasks(ben):
        flow.save(ben, item, Ranking(item.order["1"]))
    assert [found.chosen for found in flow.quality.position_bias(job).values()] == [()]
    flow.submit(ben)
    (found,) = flow.quality.position_bias(job).values()
    assert (found.chosen, found.expected) == ((30, 0, 0), (10, 10, 10))
    assert found.p_value is not None
    assert found.p_value < 0.001
    plain = Template(
        questions=(Question("1", "RADIO", "Which", (Option("a"), Option("b"))),), views=()
    )
    other = flow.jobs.create("street", "plain", template=plain, by="ada")
    assert flow.quality.position_bias(other) == {}
