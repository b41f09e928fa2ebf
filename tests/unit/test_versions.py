"""Versions advance in one place: what is stored is one newer than what it replaces, whatever a rule returned."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import attrs
import pytest
from support.scenes import cats, labeled, street, taken

import itagflow
from itagflow import Accept, Choice, Flow, Inspect, Label, Role, Stage, Workflow, maintenance
from itagflow.errors import Conflict
from itagflow.labeling import rules as labeling_rules
from itagflow.model import Verdict
from itagflow.model.change import Context, record
from itagflow.model.entity import Entity, stamp
from itagflow.reviewing import rules as reviewing_rules
from itagflow.storage.port import Query
from itagflow.template_changes import service
from itagflow.testing.builders import (
    AT,
    make_answer,
    make_assignment,
    make_job,
    make_package,
    make_task,
    make_template,
)

HOME = Path(itagflow.__file__).parent
SLICES = (
    "api",
    "claiming",
    "core",
    "events",
    "jobs",
    "labeling",
    "maintenance",
    "prelabels",
    "results",
    "reviewing",
    "template_changes",
    "validation",
    "workspaces",
)
STAGES = Workflow(Label(), Inspect(), Accept())


def stored(flow: Flow, entity: Any) -> Any:
    with flow.store.read() as reader:
        return reader.get(type(entity), entity.key)


@pytest.mark.parametrize("version", [0, 1, 2, 3, 99])
def test_a_stamp_is_one_newer_than_what_is_replaced(version: int) -> None:
    old, new = make_package(version=2), make_package(version=version, free=3)
    assert stamp(old, new) == make_package(version=3, free=3)


def test_what_has_its_version_already_is_stored_as_it_is() -> None:
    new = make_package(version=3)
    assert stamp(make_package(version=2), new) is new


@pytest.mark.parametrize("version", [0, 1, 7])
@pytest.mark.parametrize("with_event", [True, False])
def test_a_transaction_stamps_what_it_stores(flow: Flow, version: int, with_event: bool) -> None:
    job = cats(flow)
    job = flow.jobs.update(job, by="ada", remark="first")
    with flow._engine.transaction() as transaction:
        old = transaction.lock_job(job)
        new = attrs.evolve(old, remark="second", version=version)
        if with_event:
            transaction.apply(
                record(
                    transaction.make_context(job.workspace),
                    "update_job",
                    about=new,
                    save=[(old, new)],
                )
            )
        else:
            assert transaction.replace(old, new) == transaction.as_stored(new)
        assert transaction.as_stored(new) == attrs.evolve(new, version=old.version + 1)
        assert transaction.lock_job(job) == transaction.as_stored(new)
        again = attrs.evolve(transaction.as_stored(new), remark="third")  # twice in one transaction
        transaction.replace(transaction.as_stored(new), again)
    assert stored(flow, job) == attrs.evolve(new, remark="third", version=old.version + 2)


def test_what_was_decided_on_an_old_version_is_refused(flow: Flow) -> None:
    old = cats(flow)
    new = flow.jobs.update(old, by="ada", remark="first")
    change = record(
        Context(AT, old.workspace),
        "update_job",
        about=old,
        save=[(old, attrs.evolve(old, remark="lost"))],
    )
    with pytest.raises(Conflict), flow._engine.transaction() as transaction:
        transaction.apply(change)
    assert stored(flow, old) == new


def test_an_entity_that_is_new_keeps_its_version() -> None:
    with itagflow.open("memory:") as flow:
        new = make_assignment(version=4)
        with flow._engine.transaction() as transaction:
            transaction.apply(record(transaction.make_context(1), "claim", add=[new]))
            assert transaction.as_stored(new) is new
        assert stored(flow, new) == new


def test_every_verb_returns_what_is_stored(flow: Flow) -> None:
    """Verbs of members, answers, reviews, packages and erasing: the version is that of the store."""
    home = street(flow, "eve")
    returned: list[Any] = [
        flow.members.set_role(home, "eve", Role.LEADER, by="ada"),
        flow.members.remove(home, "eve", by="ada"),
        flow.members.add(home, "eve", Role.OPERATOR, by="ada"),
    ]
    assert [one.version for one in returned] == [1, 2, 3]
    assert stored(flow, returned[-1]) == returned[-1]
    flow.members.remove(home, "eve", by="ada")
    check(flow, maintenance.erase_member(flow, home, "eve", by="ada"), 5)


def test_every_verb_of_an_assignment_returns_what_is_stored(flow: Flow) -> None:
    job = cats(flow, tasks=2, size=2, workflow=STAGES)
    assignment = taken(flow, "ben", job)
    tasks = [work.task for work in flow.tasks(assignment)]
    check(flow, flow.save(assignment, tasks[0], Choice("cat")), 0)
    check(flow, flow.save(assignment, tasks[0], Choice("dog")), 1)
    check(flow, flow.save(assignment, tasks[0], Choice("dog")), 1)  # says so already
    first, second = flow.save_many(
        assignment, [(tasks[0], Choice("cat")), (tasks[1], Choice("cat"))]
    )
    check(flow, first, 2)
    check(flow, second, 0)
    check(flow, flow.abandon(assignment, tasks[1], "blurred"), 1)
    check(flow, flow.restore(assignment, tasks[1]), 2)
    check(flow, flow.submit(assignment))
    inspected = taken(flow, "di", job, Stage.INSPECT)
    check(flow, flow.judge(inspected, tasks[0], wrong="a dog"), 0)
    check(flow, flow.modify(inspected, tasks[1], Choice("dog")), 0)
    check(flow, flow.judge(inspected, tasks[1]), 0)  # says so already
    check(flow, flow.judge(inspected, tasks[1], discard_modification=True), 1)
    rejected = flow.reject(inspected, tasks=[tasks[1]], comment="a dog, too")
    check(flow, rejected)
    with flow.store.read() as reader:
        judged = list(
            reader.find(
                Query(itagflow.Answer, {"job": job.id, "assignment": rejected.id}, order=("task",))
            )
        )
    assert [(one.version, one.verdict) for one in judged] == [
        (0, Verdict.WRONG),
        (2, Verdict.WRONG),
    ]


def test_every_verb_of_a_package_returns_what_is_stored(flow: Flow) -> None:
    job = cats(flow, tasks=2, size=1)
    labeled(flow, "ben", job)
    done, waiting = flow.packages.list(job)
    check(flow, flow.packages.reopen(done, by="ada"))
    check(flow, flow.packages.discard(waiting, by="ada"))
    check(flow, maintenance.erase_task(flow, (job.id, 1), by="ada"), 1)


def test_a_package_may_be_saved_twice_in_one_transaction(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A review lets the answers of its package follow a change of the template, and then the package passes."""
    job = cats(flow, tasks=2, size=2, workflow=STAGES)
    flow.jobs.prelabel(
        job, lambda tasks: [Choice("cat") for _ in tasks], by="ada", min_confidence=False
    )
    labeled(flow, "ben", job, "dog")
    inspected = taken(flow, "di", job, Stage.INSPECT)
    (package,) = flow.packages.list(job)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(service, "_migrate_answers", interrupted)
        flow.jobs.change_template(job, itagflow.templates.RenameOption("1", "dog", "cat"), by="ada")
    check(flow, flow.review(inspected))
    (passed,) = flow.packages.list(job)
    assert (package.corrected, passed.corrected) == (2, 0)
    assert passed.version == package.version + 2


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def check(flow: Flow, entity: Any, version: int | None = None) -> None:
    assert stored(flow, entity) == entity
    if version is not None:
        assert entity.version == version


class TestRulesReturnPlainValues:
    """Rules leave versions as they are."""

    def test_a_package_that_moves(self) -> None:
        job = make_job(workflow=STAGES)
        act = Context(AT, job.workspace)
        package = make_package(version=5)
        passed = reviewing_rules.pass_package(job, package, act, tasks=())
        assert (
            passed.version
            == reviewing_rules.discard_package(job, package).version
            == package.version
        )
        back = reviewing_rules.send_back(job, passed, act, sent=(1,), tasks=(1, 2))
        assert back.version == reviewing_rules.with_offers(back, []).version == package.version

    def test_an_answer_that_replaces_another(self) -> None:
        old, assignment = make_answer(replies={"1": Choice("cat")}, version=4), make_assignment()
        facts = labeling_rules.AnswerFacts(
            job=make_job(),
            template=make_template(),
            assignment=assignment,
            ctx=Context(AT, 1),
            tasks=[make_task()],
            answers=[old],
            previous={"1": {}},
        )
        new = labeling_rules.make_answer(
            assignment, 1, Context(AT, 1), replies={"1": Choice("dog")}
        )
        outcome = labeling_rules.write_answers(facts, "save", [new])
        assert outcome.change is not None
        assert (old, new) in outcome.change.save
        assert new.version == 0

    def test_pairs_are_kept_in_the_order_in_which_they_were_given(self) -> None:
        pairs: list[tuple[Entity, Entity]] = [
            (make_package(n), make_package(n, free=2)) for n in (3, 1, 2)
        ]
        change = record(Context(AT, 1), "claim", save=pairs)
        assert change.save == tuple(pairs)


def test_no_rule_and_no_service_advances_a_version() -> None:
    for file in sorted(file for slice in SLICES for file in (HOME / slice).glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "itagflow.model.entity":
                assert "changed" not in {name.name for name in node.names}, file
            if (
                isinstance(node, ast.keyword)
                and node.arg == "version"
                and isinstance(node.value, ast.BinOp)
            ):
                # a template is named by its version in the answers to it, so that is decided with
                # its content
                assert ast.unparse(node.value) == "template.version + 1", file
                assert file.name in ("rules.py", "steps.py"), file
