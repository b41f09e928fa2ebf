"""How each public callable is called: a good argument for every parameter.

A case names what a callable takes.  `use` puts to work what a call returned: a value that can be made
must not break what it is made for.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import attrs
from support.scenes import START, Clock

import itagflow
from itagflow import delivery, maintenance
from itagflow.testing import (
    make_answer,
    make_assignment,
    make_draft,
    make_event,
    make_job,
    make_member,
    make_template,
)
from values.callables import HAS_MATPLOTLIB, NEED_MATPLOTLIB, P
from values.quality_cases import QUALITY, QUALITY_OWNERS
from values.scene import SOON, TEMPLATES, Scene, region_question, rows

Arguments = Mapping[str, Any]
Use = Callable[[Scene, Any], object]


@attrs.frozen
class Case:
    """How one callable is called."""

    good: Callable[[Scene], Arguments]
    """Returns a good argument for every parameter."""
    use: Use | None = None
    """Puts to work what the call returned."""
    always: tuple[str, ...] = ()
    """Parameters with a default that are given also when another one is tried."""
    alone: tuple[str, ...] = ()
    """Parameters that are tried without those of `always`: they take the place of these."""
    makes_jobs: bool = False
    """Whether all that is changed is a new job, so that the next call can have the same workspace."""
    is_repeatable: bool = False
    """Whether it can be called again where it was called before, whatever it changed."""
    most: int | None = None
    """How many elements of what it yields are read; all of them unless given."""


def accept_all(*_: object) -> tuple[()]:
    """A validator that finds nothing wrong."""
    return ()


def wrapped(values: Any) -> Any:
    """A progress that shows nothing."""
    return values


# -- what values are made for --


def ordered(scene: Scene, **more: Any) -> None:
    """Order a job with a value, and do its work."""
    scene.work_through(scene.new_job(**more))


def use_rule(scene: Scene, rule: Any) -> None:
    rules = {P.Label: P.Label(), P.Inspect: P.Inspect(), P.Accept: P.Accept(), type(rule): rule}
    packaging = P.FixedSize(2) if rule.requires is None else P.GroupByField(rule.requires.name)
    ordered(scene, workflow=P.Workflow(*rules.values()), packaging=packaging)


def use_field(scene: Scene, field: Any) -> None:
    use_rule(scene, P.Label(requires=field))


def use_template(scene: Scene, template: Any) -> None:
    P.answer_schema(template)
    fields = ("source", "text", "prompt", "dialogue", "a", "b")
    data = [{"data": dict.fromkeys(fields, "1.jpg")}]
    job = scene.new_job(template=template, data=data)
    assignment = scene.flow.claim("ben", job, "label")
    for item in scene.flow.tasks(assignment):
        scene.flow.abandon(assignment, item, "too dark")
    scene.flow.submit(assignment)


def use_question(scene: Scene, question: Any) -> None:
    use_template(scene, P.Template(questions=(question,)))


def use_option(scene: Scene, option: Any) -> None:
    use_template(scene, P.templates.image_classification([option, P.Option("other")]))


def use_step(scene: Scene, step: Any) -> None:
    scene.held  # noqa: B018 an answer that has to follow
    scene.flow.jobs.change_template(scene.job, step, by="ada")


def use_view(scene: Scene, view: Any) -> None:
    question = P.Question("1", P.QuestionKind.INPUT, "Text")
    use_template(scene, P.Template(questions=(question,), views=(view,)))


def use_scale(scene: Scene, scale: Any) -> None:
    use_template(scene, P.templates.dialogue_rating(["good"], scale=scale))


def answering(kind: str, make: Callable[[Any], Any] = lambda reply: reply) -> Use:
    """Return what saves a reply, or what it is a part of."""
    return lambda scene, reply: scene.answer(kind, {"1": make(reply)})


def in_regions(region: Any) -> Any:
    return P.Regions([region], width=100, height=100)


def in_spans(span: Any) -> Any:
    return P.Spans([span])


def related(relation: Any) -> Any:
    return P.Spans([P.TextSpan(0, 1, labels=SORT), P.TextSpan(2, 5, labels=SORT)], [relation])


def use_predictor(scene: Scene, predictor: Any) -> None:
    scene.flow.jobs.prelabel(scene.job, predictor, by="ada")


def use_prediction(scene: Scene, prediction: Any) -> None:
    use_predictor(scene, lambda tasks: [prediction for _ in tasks])


def use_flow(scene: Scene, flow: Any) -> None:
    try:
        home = flow.workspaces.create("new", admin="ada")
        flow.members.add(home, "ben", "operator", by="ada")
        list(flow.members.list(home, by="ben"))
    finally:
        flow.close()


def use_store(scene: Scene, store: Any) -> None:
    use_flow(scene, itagflow.Flow(store))


def use_policy(scene: Scene, policy: Any) -> None:
    use_flow(scene, itagflow.Flow(P.MemoryStore(), policy=policy))


def use_selection(scene: Scene, selection: Any) -> None:
    list(scene.flow.results.list(scene.job, where=selection))
    scene.flow.jobs.reopen(scene.job, where=selection, by="ada")


def use_rows(scene: Scene, row: Any) -> None:
    scene.flow.jobs.append(scene.job, [row], by="ada", on_error="skip")


def delivered(scene: Scene, *, fails: bool = False) -> str:
    """Return the name of a receiver that has got everything, or has refused it."""
    name = "failing" if fails else "taking"
    function = (lambda message: 1 / 0) if fails else accept_all
    retries = P.Retries(attempts=1)
    receiver = P.Function(function, workspace=scene.home, retries=retries)
    delivery.Worker(scene.flow, {name: receiver}).run_once()
    return name


def use_receiver(scene: Scene, receiver: Any) -> None:
    """Deliver to a function; a URL leads nowhere, so the worker is only made."""
    worker = delivery.Worker(scene.flow, {"made": receiver})
    if isinstance(receiver, P.Function):
        worker.run_once()
        delivery.forget(scene.flow, "made")


# -- the cases --


def box(s: Scene, **more: Any) -> Arguments:
    return {"label": "car", "labels": {"Kind": "car"}, "id": "r1", "color": "#239125", **more}


def fields_of(entity: Any) -> Arguments:
    """Return the fields of an entity that a builder has made: they are good arguments."""
    return {
        field.name: getattr(entity, field.name)
        for field in attrs.fields(type(entity))
        if field.init
    }


LATER = START + timedelta(days=30)
RULE: Arguments = {
    "requires": P.Field("text", skill="about {}"),
    "lease": SOON,
    "offer_lease": SOON,
    "limit": 2,
    "max_total": 9,
    "acknowledge": True,
}
SORT: Arguments = {"Text content": ("car",)}
PARTS: Mapping[str, Case] = {
    "Annotation": Case(lambda s: box(s)),
    "Box": Case(lambda s: box(s, x=1, y=1, width=5, height=5), answering("regions", in_regions)),
    "RotatedBox": Case(
        lambda s: box(s, x=9, y=9, width=5, height=5, angle=30), answering("regions", in_regions)
    ),
    "Polygon": Case(
        lambda s: box(s, points=[(0, 0), (9, 0), (9, 9)], holes=[[(5, 2), (6, 2), (6, 3)]]),
        answering("regions", in_regions),
    ),
    "Polyline": Case(lambda s: box(s, points=[(0, 0), (9, 0)]), answering("regions", in_regions)),
    "Point": Case(lambda s: box(s, x=1, y=1), answering("regions", in_regions)),
    "Keypoint": Case(
        lambda s: {"name": "nose", "x": 1, "y": 2, "visibility": 2},
        answering("regions", lambda at: in_regions(P.Keypoints([at]))),
    ),
    "Keypoints": Case(
        lambda s: box(s, keypoints=[P.Keypoint("nose", 1, 1)]), answering("regions", in_regions)
    ),
    "Bounds": Case(lambda s: {"left": 1, "top": 1, "right": 5, "bottom": 5}),
    "Mask.measure_bounds": Case(lambda s: {"height": 100}),
    "Mask": Case(lambda s: box(s, counts=[5_000, 5_000]), answering("regions", in_regions)),
    "Regions": Case(
        lambda s: {"regions": [P.Box(0, 0, 5, 5)], "width": 10, "height": 10, "rotation": 90},
        answering("regions"),
    ),
    "Choice": Case(lambda s: {"key": "cat"}, answering("choice")),
    "Choices": Case(lambda s: {"keys": ["cat"]}, answering("choices")),
    "Text": Case(lambda s: {"text": "a red car"}, answering("text")),
    "Ranking": Case(lambda s: {"keys": ["b", "a"]}, answering("ranking")),
    "Rating": Case(lambda s: {"value": 4}, answering("rating")),
    "Preference": Case(
        lambda s: {"better": "a", "degree": 2, "tie": None}, answering("preference")
    ),
    "TextSpan": Case(
        lambda s: {**box(s), "start": 0, "end": 1, "text": "a", "label": None, "labels": SORT},
        answering("spans", in_spans),
        always=("labels",),
    ),
    "Relation": Case(
        lambda s: {**box(s, source=0, target=1, label="of"), "labels": {}},
        answering("spans", related),
        always=("label",),
    ),
    "Spans": Case(
        lambda s: {
            "spans": [P.TextSpan(0, 1, labels=SORT), P.TextSpan(2, 5, labels=SORT)],
            "relations": [P.Relation(0, 1, label="of")],
        },
        answering("spans"),
    ),
    "Segment": Case(
        lambda s: {**box(s, start=0, end=1, label="talk"), "labels": {}},
        answering("segments", lambda segment: P.Segments([segment], duration=9)),
        always=("label",),
    ),
    "Segments": Case(
        lambda s: {"segments": [P.Segment(0, 1, label="talk")], "duration": 2.5},
        answering("segments"),
    ),
}
REVIEW: Arguments = {
    **RULE,
    "task_share": 0.5,
    "task_count": 1,
    "package_share": 0.5,
    "reasons": ("blurred",),
    "max_rejects": 2,
    "on_max_rejects": "abandon",
    "blind": True,
    "allow_own_work": True,
    "plan": P.SinglePlan(1, 0),
    "rejected_lots": "inspect",
}
ORDERS: Mapping[str, Case] = {
    "Label": Case(
        lambda s: {
            **RULE,
            "votes": 2,
            "min_votes": 1,
            "merge": {"1": "majority"},
            "on_dispute": "keep",
            "votes_package_share": 0.5,
            "rework": P.Route.QUEUE,
            "redo_all": True,
            "on_abandon": "queue",
            "on_overdue": {"1": P.Choice("cat")},
            "order": "oldest",
            "allow_partial": False,
            "max_votes": 3,
            "agree": 0.6,
            "stop_early": False,
        },
        use_rule,
        always=("votes", "max_votes"),
    ),
    "Merge": Case(
        lambda s: {"name": "match", "tolerance": None, "threshold": 0.6, "distance": 2.0},
        lambda s, made: P.Label(votes=2, merge={"1": made}),
        always=("threshold", "distance"),
    ),
    "Inspect": Case(lambda s: REVIEW, use_rule),
    "Accept": Case(
        lambda s: {
            **REVIEW,
            "reject_to": "inspect",
            "allow_own_review": True,
            "lot": P.Lot(packages=2),
        },
        use_rule,
        always=("plan",),
        alone=("task_share", "task_count", "package_share", "max_rejects", "reject_to"),
    ),
    "Lot": Case(
        lambda s: {
            "packages": 3,
            "every": timedelta(days=1),
            "whole": True,
            "by": "group",
            "may_reduce": True,
        },
        lambda s, made: use_rule(s, P.Accept(plan=P.SinglePlan(1, 0), lot=made)),
        always=("packages",),
        alone=("every", "whole"),
    ),
    "StageRule": Case(lambda s: RULE),
    "ReviewRule": Case(lambda s: REVIEW),
    "Workflow": Case(
        lambda s: {"rules": (P.Label(), P.Inspect(), P.Accept())},
        lambda s, made: ordered(s, workflow=made),
    ),
    "FixedSize": Case(lambda s: {"size": 2}, lambda s, made: ordered(s, packaging=made)),
    "PackageCount": Case(lambda s: {"packages": 2}, lambda s, made: ordered(s, packaging=made)),
    "Field": Case(
        lambda s: {"name": "text", "skill": "about {}", "least": 1.5},
        use_field,
        always=("least",),
    ),
    "GroupByField": Case(
        lambda s: {"field": "text", "max_size": 3}, lambda s, made: ordered(s, packaging=made)
    ),
    "Selection": Case(
        lambda s: {
            "label": "cat",
            "state": "final",
            "stage": "label",
            "member": "ben",
            "package": 1,
            "since": START,
            "until": LATER,
            "template_version": 0,
            "guideline_version": 0,
            "field": {"source": "1.jpg"},
        },
        use_selection,
    ),
    "Dataset": Case(
        lambda s: {
            "jobs": [s.job],
            "questions": {},
            "duplicates": "first",
        },
        lambda s, made: list(s.flow.results.rows(made)),
    ),
    "AcceptanceLot": Case(
        lambda s: {
            "job": s.job.id,
            "number": 1,
            "state": P.LotState.ACCEPTED,
            "packages": (1, 2),
            "size": 4,
            "sample": 2,
            "checked": 2,
            "wrong": 1,
            "groups": ("night",),
            "again": 3,
            "stream": "group night",
            "severity": P.Severity.TIGHTENED,
            "decided_before": 1,
            "decision": 2,
            "switching": P.SwitchingState(),
            "is_resumed": True,
            "closed_at": START,
            "decided_at": LATER,
            "version": 1,
        }
    ),
    "LotEntry": Case(
        lambda s: {
            "lot": 1,
            "state": P.LotState.CLOSED,
            "groups": ("night",),
            "certain": (1,),
            "sample": (2, 3),
            "is_handed_in": True,
            "checked": 2,
            "wrong": 1,
            "standing": (2,),
        }
    ),
    "PackageLot": Case(lambda s: {"size": 50, "sample": (1, 2), "is_rejected": True}),
    "LotVerdict": Case(
        lambda s: {
            "verdict": P.PlanVerdict.MORE,
            "more": 2,
            "checked": 3,
            "wrong": 1,
            "size": 50,
            "number": 2,
        }
    ),
    "Split": Case(
        lambda s: {"shares": {"a": 0.5, "b": 0.5}, "by": "source", "seed": 3},
        lambda s, made: s.flow.results.export(
            s.job, "csv", {name: io.BytesIO() for name in made.shares}, split=made
        ),
    ),
    "Export": Case(
        lambda s: {
            "position": 9,
            "at": START,
            "job": s.job.id,
            "member": s.ben.id,
            "account": "ben",
            "format": "csv",
            "target": "cats.csv",
            "rows": 3,
            "sha256": "ab12",
            "size": 70,
            "jobs": (s.job.id,),
            "where": {"label": "cat"},
            "stages": ("label",),
            "split": "train",
            "since": 3,
            "complete_to": 8,
        }
    ),
    "Snapshot": Case(
        lambda s: {
            "name": "first",
            "position": 9,
            "at": START,
            "member": s.ben.id,
            "account": "ben",
            "jobs": (s.job.id,),
            "target": "first.jsonl",
            "rows": 3,
            "sha256": "ab12",
            "where": {"label": "cat"},
            "complete_to": 8,
        }
    ),
    "Campaign": Case(
        lambda s: {
            "round": 2,
            "last_round": 2,
            "is_withdrawn": True,
            "stage": P.Stage.LABEL,
            "tasks": (1,),
            "skipped": (P.Stage.INSPECT,),
            "whole_round": 1,
            "requeued": (1,),
            "comment": "look again",
        }
    ),
    "Group": Case(
        lambda s: {"name": "night"},
        lambda s, made: s.flow.jobs.set_workforce(
            s.job, {"label": [made], "inspect": ["di"], "accept": ["ada"]}, by="ada"
        ),
    ),
    "StageWorkers": Case(lambda s: {"members": (s.ben.id,), "groups": ("night",)}),
    "Option": Case(
        lambda s: {
            "key": "cat",
            "label": "Cat",
            "color": "#239125",
            "shortcut": "c",
            "remark": "with whiskers",
            "children": (P.Option("tabby"),),
        },
        use_option,
    ),
    "View": Case(
        lambda s: {
            "kind": P.ViewKind.TEXT,
            "field": "text",
            "views": (P.View(P.ViewKind.IMAGE, "source"),),
            "title": "Picture",
        },
        use_view,
    ),
    "Scale": Case(lambda s: {"low": 0, "high": 4, "step": 0.5}, use_scale),
    "Question": Case(
        lambda s: {
            "id": "1",
            "kind": P.QuestionKind.RADIO,
            "title": "Animal",
            "options": (P.Option("cat"), P.Option("dog")),
            "required": False,
            "children": (P.Question("2", P.QuestionKind.INPUT, "Name"),),
            "when": (),
            "relations": (),
            "rule": "",
            "presets": (),
            "default": "cat",
            "field": "",
            "shapes": (),
            "keypoints": (),
            "scale": None,
            "min_count": 0,
            "max_count": None,
            "shuffle": False,
        },
        use_question,
        always=("options",),
    ),
    "Template": Case(
        lambda s: {
            "questions": (region_question(),),
            "views": (P.View(P.ViewKind.TEXT, "text"),),
            "abandon_reasons": ("too dark",),
            "name": "areas",
            "id": 0,
            "workspace": 0,
            "version": 0,
        },
        use_template,
    ),
    "AddOption": Case(
        lambda s: {"question": "1", "option": "bird", "inside": "", "about": ""}, use_step
    ),
    "AddQuestion": Case(
        lambda s: {
            "question": P.Question("7", P.QuestionKind.INPUT, "Name", required=False),
            "inside": "",
            "reply": P.Text("Tom"),
            "about": "",
        },
        use_step,
    ),
    "DropOption": Case(
        lambda s: {"question": "1", "key": "cat", "to": "dog", "about": ""},
        use_step,
        always=("to",),
    ),
    "DropQuestion": Case(lambda s: {"question": "1", "about": ""}),
    "RenameOption": Case(
        lambda s: {"question": "1", "old": "cat", "new": "feline", "about": ""}, use_step
    ),
    "RenameQuestion": Case(lambda s: {"question": "1", "title": "Animal", "about": ""}, use_step),
    "TemplateChange": Case(
        lambda s: {
            "before": TEMPLATES["choice"](),
            "steps": (P.RenameOption("1", "cat", "pet"),),
        }
    ),
    "BlockedPackage": Case(lambda s: {"package": 7, "stage": P.Stage.LABEL, "reason": "none"}),
    "CheckReport": Case(lambda s: fields_of(P.CheckReport())),
    "PreLabel": Case(
        lambda s: {
            "replies": P.Choice("cat"),
            "score": 0.5,
            "model": "vit",
            "model_version": "2",
        },
        use_prediction,
    ),
    "Row": Case(lambda s: {"text": '{"data": {"source": "9.jpg"}}', "line": 3}, use_rows),
    "Problem": Case(lambda s: {"where": "row 1", "reason": "is torn"}, use_rows),
    "JobPartition": Case(
        lambda s: {"job": s.job.id, "first": 1, "last": 2, "index": 1, "of": 2, "packages": (1, 1)},
        lambda s, made: [*s.flow.results.list(made), *maintenance.verify(s.flow, made)],
        always=("packages",),
    ),
    "RolePolicy": Case(
        lambda s: {"table": P.default_policy.table, "leaders_within_groups": True}, use_policy
    ),
}
RECEIVER: Arguments = {
    "send": "results",
    "types": ("submit", "accept"),
    "became": ("final",),
    "batch": 5,
    "start": "now",
    "timeout": 5.0,
}


def receiving(scene: Scene, **more: Any) -> Arguments:
    return {
        **RECEIVER,
        "jobs": (scene.job,),
        "workspace": scene.home,
        "retries": P.Retries(attempts=2),
        **more,
    }


def dead_letters(scene: Scene) -> Arguments:
    name = delivered(scene, fails=True)
    letters = list(delivery.list_dead_letters(scene.flow, name))
    return {"flow": scene.flow, "name": name, "letters": letters[:2]}


DELIVERIES: Mapping[str, Case] = {
    "Webhook": Case(
        lambda s: receiving(
            s,
            url="https://example.org/hook",
            secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            headers={"Authorization": "Bearer x"},
            envelope="cloudevents",
            source="https://labels.example.org",
            connect_timeout=2.5,
        ),
        use_receiver,
    ),
    "Function": Case(lambda s: receiving(s, function=accept_all), use_receiver),
    "Retries": Case(
        lambda s: {"first": timedelta(seconds=1), "longest": timedelta(hours=1), "attempts": 5},
        lambda s, made: use_receiver(s, P.Function(accept_all, retries=made)),
        always=("first", "longest"),
    ),
    "Message": Case(
        lambda s: {
            "id": "msg_1",
            "position": 5,
            "part": 0,
            "job": 4,
            "event": make_event(),
            "result": None,
            "payload": {},
        }
    ),
    "DeadLetter": Case(
        lambda s: fields_of(
            P.DeadLetter(receiver="r", position=1, job=4, attempts=1, error="no", failed_at=START)
        )
    ),
    "DelayedJob": Case(
        lambda s: fields_of(P.DelayedJob(receiver="r", job=4, position=1, next_attempt_at=START))
    ),
    "DeliveryStatus": Case(
        lambda s: fields_of(delivery.status(s.flow, delivered(s))),
    ),
    "Worker": Case(
        lambda s: {"flow": s.flow, "receivers": {"taking": P.Function(accept_all)}},
        lambda s, made: made.run_once(),
    ),
    "Worker.stop": Case(lambda s: {"timeout": 0.5}),
    "delivery.status": Case(lambda s: {"flow": s.flow, "name": delivered(s)}),
    "delivery.list_names": Case(lambda s: {"flow": s.flow}),
    "delivery.list_dead_letters": Case(
        lambda s: {"flow": s.flow, "name": delivered(s, fails=True)}
    ),
    "delivery.redeliver": Case(dead_letters),
    "delivery.discard": Case(dead_letters),
    "delivery.enable": Case(lambda s: {"flow": s.flow, "name": delivered(s)}),
    "delivery.forget": Case(lambda s: {"flow": s.flow, "name": delivered(s)}),
    "delivery.make_secret": Case(lambda s: {}),
}
ENTITIES: Mapping[str, Case] = {
    "Workspace": Case(lambda s: fields_of(s.home), lambda s, made: s.flow.members.list(made)),
    "Member": Case(
        lambda s: fields_of(s.ben), lambda s, made: s.flow.members.get(s.home, made, by=made)
    ),
    "Job": Case(lambda s: fields_of(s.job), lambda s, made: s.flow.jobs.progress(made)),
    "Package": Case(lambda s: fields_of(s.package), lambda s, made: s.flow.packages.get(made)),
    "Task": Case(lambda s: fields_of(s.item.task), lambda s, made: s.flow.results.get(made)),
    "Assignment": Case(lambda s: fields_of(s.held), lambda s, made: s.flow.tasks(made)),
    "WorkItem": Case(lambda s: fields_of(s.item), lambda s, made: s.flow.results.get(made)),
    "Answer": Case(lambda s: fields_of(make_answer())),
    "Comment": Case(lambda s: fields_of(s.comment)),
    "Thread": Case(
        lambda s: fields_of(next(s.flow.comments.list(s.comment.job))),
        lambda s, made: s.flow.comments.resolve(made, by="ada"),
    ),
    "Draft": Case(lambda s: fields_of(make_draft())),
    "AnswerVersion": Case(
        lambda s: {"answer": make_answer(), "number": 1, "position": 7, "is_current": True}
    ),
    "Guideline": Case(lambda s: {"version": 1, "text": "look", "at": START, "member": 2}),
    "Event": Case(
        lambda s: fields_of(make_event()), lambda s, made: [made.became, *made.all_changes()]
    ),
    "FieldChange": Case(
        lambda s: {"kind": "job", "key": (1,), "field": "state", "before": None, "after": "draft"}
    ),
    "BatchResult": Case(lambda s: {"key": (1, 2), "value": make_assignment(), "error": None}),
    "Inconsistency": Case(
        lambda s: {"kind": "package", "key": (4, 1), "field": "wrong", "actual": 1, "expected": 0}
    ),
    "LoadReport": Case(lambda s: fields_of(P.LoadReport())),
    "QueueReport": Case(
        lambda s: fields_of(P.QueueReport(at=START, stages={P.Stage.LABEL: P.StageQueue(held=1)}))
    ),
    "StageQueue": Case(lambda s: fields_of(P.StageQueue(waiting=2, priorities={0: 2}))),
    "TickReport": Case(lambda s: fields_of(P.TickReport(jobs=1, held=1))),
    "MergeReport": Case(
        lambda s: {
            "voters": (2, 3),
            "abandoned_by": (3,),
            "min_votes": 1,
            "on_dispute": P.OnDispute.KEEP,
            "agree": 0.5,
            "questions": {"1": P.QuestionMerge(rule=P.Merge("keep"))},
        }
    ),
    "QuestionMerge": Case(
        lambda s: {
            "rule": P.Merge("mean"),
            "voters": (2, 3),
            "counts": (1, 1),
            "confidence": 0.5,
            "number": 3.5,
            "reason": "",
        }
    ),
    "Permission": Case(lambda s: {"reason": "not today"}, lambda s, made: bool(made)),
    "ReopenReport": Case(lambda s: fields_of(P.ReopenReport())),
    "EraseReport": Case(
        lambda s: fields_of(
            P.EraseReport(jobs=(P.TasksOfJob(job=s.job.id, name="cats", tasks=(range(1, 3),)),))
        ),
        lambda s, made: (made.count, str(made)),
    ),
    "TasksOfJob": Case(
        lambda s: {"job": s.job.id, "name": "cats", "tasks": (range(1, 3),)},
        lambda s, made: (made.count, made.numbers),
    ),
    "WithdrawReport": Case(lambda s: fields_of(P.WithdrawReport(missing=("post-1",)))),
    "PrelabelReport": Case(lambda s: fields_of(P.PrelabelReport())),
    "Progress": Case(
        lambda s: fields_of(s.flow.jobs.progress(s.job)), lambda s, made: (made.total, made.done)
    ),
    "Provenance": Case(
        lambda s: {
            "stage": P.Stage.LABEL,
            "round": 1,
            "member": 2,
            "outcome": P.Outcome.SUBMITTED,
            "inspected": True,
            "at": START,
            "purpose": P.Purpose.LABEL,
            "score": 0.5,
            "model": "vit",
            "model_version": "2",
            "seconds": 2.5,
            "labeler": "labeler 1",
            "guideline_version": 1,
            "template_version": 0,
        }
    ),
    "Result": Case(lambda s: fields_of(s.results[0]), lambda s, made: (made.last, made.replies)),
    "StageResult": Case(
        lambda s: {
            "stage": P.Stage.LABEL,
            "replies": {"1": P.Choice("cat")},
            "abandon_reason": None,
            "round": 1,
            "member": 2,
            "disputed": (),
            "kept": (),
            "merge": None,
            "inspected": True,
            "order": {"1": ("b", "a")},
            "labeler": "labeler 1",
            "decided_by": "timeout",
        }
    ),
    "TemplateReport": Case(lambda s: fields_of(P.TemplateReport(version=1))),
    "WriteReport": Case(
        lambda s: {
            "rows": 1,
            "blocks": {P.Stage.LABEL: 1},
            "abandoned": 0,
            "unfinished": 0,
            "erased": 0,
            "withdrawn": 0,
            "removed": 0,
            "complete_to": 9,
            "losses": {"holes": 1},
            "sha256": "ab12",
            "splits": {"train": 1},
        }
    ),
    "Reading": Case(lambda s: {"own": P.Action.LABEL, "others": None}),
    "Assignment.covers": Case(lambda s: {"task": 1}),
    "Package.count_reopenings": Case(lambda s: {"task": 1}),
    "Package.count_revisions": Case(lambda s: {"task": 1}),
    "Package.has_ended": Case(lambda s: {"task": 1}),
    "Event.at_position": Case(lambda s: {"position": 1}),
    "Job.crew": Case(lambda s: {"stage": P.Stage.LABEL}),
    "RolePolicy.refuses_about": Case(
        lambda s: {"member": s.ben, "action": P.Action.ASSIGN, "other": s.ben}
    ),
    "Template.field_of": Case(lambda s: {"question": make_template().questions[0]}),
    "Template.question": Case(lambda s: {"id": "1"}),
    "Workflow.has": Case(lambda s: {"stage": P.Stage.LABEL}),
    "Workflow.review": Case(lambda s: {"stage": P.Stage.INSPECT}),
    "Workflow.rule": Case(lambda s: {"stage": P.Stage.LABEL}),
}
OWNERS: Mapping[str, Callable[[Scene], Any]] = {
    **QUALITY_OWNERS,
    "Package": lambda s: s.package,
    "RolePolicy": lambda s: P.RolePolicy(P.default_policy.table, leaders_within_groups=True),
    "Assignment": lambda s: make_assignment(scope=(1, 2)),
    "Mask": lambda s: P.Mask([5_000, 5_000]),
    "Event": lambda s: make_event(),
    "Job": lambda s: make_job(),
    "Template": lambda s: make_template(),
    "Worker": lambda s: delivery.Worker(s.flow, {"taking": P.Function(accept_all)}),
    "Workflow": lambda s: P.Workflow(),
    "MemoryStore": lambda s: P.MemoryStore(),
    "SqliteStore": lambda s: s.stores.keep(P.SqliteStore(s.new_path(".db"), synchronous="NORMAL")),
    "PostgresStore": lambda s: s.stores.keep(P.PostgresStore(s.stores.url, connections=2)),
}
"""What has the methods of a class."""


def used_transaction(_: Scene, transaction: Any) -> None:
    with transaction:
        pass


STORES: Mapping[str, Case] = {
    "MemoryStore": Case(lambda s: {}),
    "SqliteStore": Case(
        lambda s: {"path": s.new_path(".db"), "synchronous": "NORMAL"},
        use_store,
        always=("synchronous",),
    ),
    "open_store": Case(lambda s: {"url": "memory:"}, use_store),
    "MemoryStore.close": Case(lambda s: {"timeout": 1.0}),
    "MemoryStore.read": Case(lambda s: {"snapshot": True}, used_transaction),
    "SqliteStore.close": Case(lambda s: {"timeout": 1.0}),
    "SqliteStore.read": Case(lambda s: {"snapshot": True}, used_transaction),
    "open": Case(
        lambda s: {
            "url": "memory:",
            "policy": P.strict_policy,
            "clock": Clock(),
            "ids": iter(range(1, 1_000)).__next__,
            "listeners": [accept_all],
            "validators": {"all": accept_all},
            "merges": {"first": accept_all},
        },
        use_flow,
    ),
    "Flow": Case(
        lambda s: {
            "store": P.MemoryStore(),
            "policy": P.strict_policy,
            "clock": Clock(),
            "ids": iter(range(1, 1_000)).__next__,
            "listeners": [accept_all],
            "validators": {"all": accept_all},
            "merges": {"first": accept_all},
        },
        use_flow,
    ),
}
POSTGRES: Mapping[str, Case] = {
    "PostgresStore": Case(
        lambda s: {"source": s.stores.url, "schema": "itagflow", "connections": 2},
        lambda s, made: made.close(),
    ),
    "PostgresStore.close": Case(lambda s: {"timeout": 1.0}),
    "PostgresStore.read": Case(lambda s: {"snapshot": True}, used_transaction),
}
"""Tried only where there is a server."""


def asked(s: Scene) -> Arguments:
    return {
        "member": make_member(),
        "action": P.Action.LABEL,
        "job": make_job(),
        "stage": P.Stage.LABEL,
    }


def without(arguments: Arguments, *names: str) -> Arguments:
    return {name: value for name, value in arguments.items() if name not in names}


def manifest_row(s: Scene) -> dict[str, Any]:
    element = {
        "questionId": "1",
        "data": "cat",
        "markTitle": "Single-choice",
        "type": "survey/value",
    }
    return {"data": {"source": "1.jpg"}, "label-15": {"results": [element]}}


def written(s: Scene) -> Arguments:
    return {
        "format": "csv",
        "results": s.results,
        "target": io.BytesIO(),
        "template": TEMPLATES["choice"](),
        "stages": [P.Stage.LABEL],
        "lossy": "error",
        "jobs": [4],
        "escape_formulas": True,
        "bom": True,
        "headings": "english",
    }


def csv_source(s: Scene) -> Arguments:
    return {
        "format": "csv",
        "source": io.BytesIO(b"source\n1.jpg\n"),
        "template": TEMPLATES["choice"](),
        "fields": ("source",),
        "limit": 1_000,
    }


def no_region(*_: object) -> str:
    return "r1"


def rendered(s: Scene) -> Arguments:
    replies = {"1": P.Choice("cat")}
    return {"replies": replies, "template": TEMPLATES["choice"](), "region_id": no_region}


JSONL = (
    '{"itagflow": 1, "job": 4, "number": 1, "package": 1, "row": {"data": {}}, "state": "final", '
    '"stages": [], "provenance": [], "votes": []}'
)
CHARTS: Mapping[str, Case] = {
    name: Case(lambda s: {"flow": s.flow, "job": s.job, "by": "ada"}) for name in NEED_MATPLOTLIB
}
FUNCTIONS: Mapping[str, Case] = {
    "templates.from_itag": Case(
        lambda s: {"value": P.templates.to_itag(TEMPLATES["choice"]())}, use_template
    ),
    "templates.to_itag": Case(lambda s: {"template": TEMPLATES["choice"]()}),
    "templates.from_label_studio": Case(
        lambda s: {"config": P.templates.to_label_studio(TEMPLATES["choice"]())}, use_template
    ),
    "templates.to_label_studio": Case(lambda s: {"template": TEMPLATES["choice"]()}),
    "answer_schema": Case(lambda s: {"template": TEMPLATES["choice"]()}),
    "replies_from_json": Case(
        lambda s: {"value": {"1": {"kind": "choice", "key": "cat"}}},
        lambda s, made: s.answer("choice", made),
    ),
    "replies_to_json": Case(lambda s: {"replies": {"1": P.Choice("cat")}}),
    "to_json": Case(lambda s: {"value": s.job, "flow": s.flow}),
    "from_json": Case(
        lambda s: {"kind": "Replies", "value": {"1": {"kind": "choice", "key": "cat"}}}
    ),
    "json_schema": Case(lambda s: {"kind": "Job"}),
    "to_problem": Case(lambda s: {"error": P.NotAllowed("ben", "export", "it is not theirs")}),
    "parse_key": Case(lambda s: {"text": "7532021212319075461"}),
    "AsJson": Case(lambda s: {"flow": s.flow}),
    "Html": Case(lambda s: {"text": "<b>12</b>"}),
    "describe_value": Case(lambda s: {"value": s.job}),
    "show_table": Case(lambda s: {"rows": [{"name": "ada"}], "limit": 5}),
    "show_results": Case(
        lambda s: {
            "results": s.flow.results.list(s.job),
            "template": TEMPLATES["choice"](),
            "folder": ".",
            "limit": 5,
        }
    ),
    "show_regions": Case(
        lambda s: {
            "image": b"GIF8",
            "reply": P.Regions([P.Box(1, 2, 3, 4, label="car")], width=40, height=30),
            "width": 80,
        }
    ),
    "show_spans": Case(
        lambda s: {"text": "Ada", "reply": P.Spans([P.TextSpan(0, 3, label="person")])}
    ),
    "show_segments": Case(
        lambda s: {
            "reply": P.Segments([P.Segment(0, 1, label="low")]),
            "recording": None,
            "width": 80,
        }
    ),
    "default_policy": Case(asked),
    "strict_policy": Case(lambda s: {**asked(s), "action": P.Action.READ_JOB}),
    "formats.is_concatenable": Case(lambda s: {"format": "itag"}),
    "formats.is_incremental": Case(lambda s: {"format": "itag"}),
    "formats.find": Case(lambda s: {"format": "itag"}),
    "formats.read": Case(csv_source),
    "formats.write": Case(written),
    "formats.jsonl.parse": Case(lambda s: {"line": JSONL}),
    "formats.jsonl.read_results": Case(
        lambda s: {"source": io.BytesIO(JSONL.encode()), "limit": 1_000}
    ),
    "formats.csv.parse": Case(
        lambda s: {
            "cells": {"结果字段-Single-choice": "cat"},
            "template": TEMPLATES["choice"](),
            "headings": "itag",
        }
    ),
    "formats.itag.blocks": Case(lambda s: {"row": manifest_row(s)}),
    "formats.itag.parse": Case(
        lambda s: {
            "results": manifest_row(s)["label-15"]["results"],
            "template": TEMPLATES["choice"](),
        }
    ),
    "formats.itag.render": Case(rendered),
    "formats.itag.result_in": Case(
        lambda s: {"row": manifest_row(s), "job": "15", "stage": P.Stage.LABEL}
    ),
    "formats.itag.results_in": Case(
        lambda s: {"row": manifest_row(s), "template": TEMPLATES["choice"](), "job": "15"}
    ),
    "formats.itag.template_of": Case(
        lambda s: {"rows": (manifest_row(s),), "job": "15"}, always=("rows",)
    ),
    "maintenance.verify": Case(
        lambda s: {
            "flow": s.flow,
            "place": s.job,
            "snapshot": True,
            "progress": wrapped,
            "by": "ada",
        },
        always=("place",),
    ),
    "maintenance.copy": Case(
        lambda s: {
            "flow": s.flow,
            "to": P.MemoryStore(),
            "workspace": s.home,
            "verify": True,
            "progress": wrapped,
            "by": "ada",
        },
        always=("workspace",),
    ),
    "maintenance.erase_member": Case(
        lambda s: {
            "flow": s.flow,
            "workspace": s.home,
            "member": s.removed,
            "by": "ada",
            "progress": wrapped,
        }
    ),
    "maintenance.erase_task": Case(
        lambda s: {"flow": s.flow, "task": (s.held.job, 1), "by": "ada", "comment": "asked for"}
    ),
    "maintenance.erase_where": Case(
        lambda s: {
            "flow": s.flow,
            "workspace": s.home,
            "field": "source",
            "equals": "1.jpg",
            "by": "ada",
            "comment": "asked for",
            "dry_run": False,
            "progress": wrapped,
        }
    ),
    "prelabels.from_blocks": Case(
        lambda s: {
            "template": TEMPLATES["choice"](),
            "job": "15",
            "stage": P.Stage.LABEL,
            "model": "m",
        },
        use_predictor,
    ),
    "prelabels.from_export": Case(
        lambda s: {
            "template": TEMPLATES["choice"](),
            "source": io.BytesIO(s.exported),
            "on": "source",
            "format": "itag",
            "job": str(s.job.id),
            "stage": P.Stage.LABEL,
            "model": "m",
        },
        use_predictor,
    ),
    "prelabels.from_fields": Case(
        lambda s: {
            "template": TEMPLATES["choice"](),
            "fields": {"1": "source"},
            "score": "score",
            "model": "m",
        },
        use_predictor,
    ),
}


LABELS: Arguments = {"labels": ["cat", "dog"], "field": "source"}
COUNTS: Arguments = {"min_count": 0, "max_count": 9}
TITLES: Arguments = {"title": "Animals", "label_title": "Kind", "text_title": "Words"}
READY_MADE: Mapping[str, Arguments] = {
    "audio_classification": {**LABELS, "multiple": True, "title": "Sound"},
    "audio_segmentation": {**LABELS, "transcript": True, **without(TITLES, "title")},
    "dialogue_rating": {
        "criteria": ["good", "kind"],
        "dialogue": "dialogue",
        "scale": None,
        "comment": True,
    },
    "entity_recognition": {**LABELS, "title": "Names"},
    "entity_relation": {**LABELS, "relations": ["of"], "title": "Names", "relation_title": "How"},
    "image_captioning": {"title": "Caption", "tags": ["sun"], "field": "source"},
    "image_classification": {**LABELS, "multiple": True, "title": "Animal"},
    "keypoints": {**LABELS, **without(TITLES, "text_title"), **COUNTS, "names": ["nose"]},
    "moderation": {"reasons": ["violence"], "field": "source"},
    "object_detection": {**LABELS, **without(TITLES, "text_title"), **COUNTS},
    "ocr": {**LABELS, **TITLES},
    "pairwise_preference": {
        "first": "a",
        "second": "b",
        "prompt": "prompt",
        "degrees": 3,
        "title": "Better",
        "comment": True,
    },
    "pdf_pages": {**LABELS, "fields": ["sum"], "title": "Page"},
    "preference_ranking": {
        "responses": ["a", "b"],
        "prompt": "prompt",
        "title": "Ranking",
        "comment": True,
    },
    "segmentation": {**LABELS, **without(TITLES, "text_title"), **COUNTS},
    "speech_recognition": {"title": "Words", "field": "source"},
    "table_recognition": {"title": "Cells", "field": "source"},
    "text_classification": {**LABELS, "multiple": True, "title": "Kind"},
    "video_classification": {**LABELS, "multiple": True, "title": "Kind"},
    "video_segmentation": {**LABELS, "label_title": "Kind"},
}


def _ready_made(arguments: Arguments) -> Case:
    return Case(lambda s: arguments, use_template)


WORK: Mapping[str, Case] = {
    "flow.claim": Case(
        lambda s: {
            "member": "ben",
            "job": s.job,
            "stage": "label",
            "package": s.held.package,
            "workspace": s.home,
            "resume": True,
            "token": "t",
        },
        always=("job", "workspace"),
    ),
    "flow.claim_many": Case(
        lambda s: {
            "member": "ben",
            "job": s.job,
            "stage": "label",
            "count": 2,
            "workspace": s.home,
        },
        always=("job", "workspace"),
    ),
    "flow.acknowledge": Case(lambda s: {"member": "ben", "job": s.job, "version": 0}),
    "flow.renew": Case(lambda s: {"assignment": s.held, "by": "ben"}),
    "flow.release": Case(lambda s: {"assignment": s.held, "by": "ben", "comment": "late"}),
    "flow.release_many": Case(lambda s: {"assignments": [s.held], "by": "ben", "comment": "late"}),
    "flow.tasks": Case(
        lambda s: {"assignment": s.held, "by": "ben", "model": "vit", "model_version": "2"}
    ),
    "flow.save": Case(
        lambda s: {
            "assignment": s.deciding,
            "task": 1,
            "reply": P.Choice("cat"),
            "draft": False,
            "expected_version": 0,
            "seconds": 2.5,
            "score": 0.5,
            "model": "vit",
            "pick": next(iter(s.flow.tasks(s.deciding))).votes[0],
            "by": "eve",
        },
        always=("reply",),
        alone=("pick",),
    ),
    "flow.save_many": Case(
        lambda s: {
            "assignment": s.held,
            "replies": {2: P.Choice("cat")},
            "expected_version": {2: 0},
            "by": "ben",
        }
    ),
    "flow.abandon": Case(
        lambda s: {
            "assignment": s.held,
            "task": 2,
            "reason": "too dark",
            "expected_version": 0,
            "seconds": 2.5,
            "by": "ben",
        }
    ),
    "flow.restore": Case(
        lambda s: {"assignment": s.abandoning, "task": 1, "expected_version": 2, "by": "ben"}
    ),
    "flow.submit": Case(
        lambda s: {
            "assignment": s.complete,
            "seconds": 2.5,
            "ignore_drafts": True,
            "rest": "release",
            "by": "ben",
        }
    ),
    "flow.escalate": Case(
        lambda s: {
            "assignment": s.handing,
            "task": 2,
            "comment": "a fox?",
            "reason": "unsure",
            "by": "ben",
        }
    ),
    "flow.judge": Case(
        lambda s: {
            "assignment": s.inspected_with_reasons,
            "task": 1,
            "wrong": "too small",
            "reason": "small",
            "discard_modification": True,
            "expected_version": 0,
            "seconds": 2.5,
            "by": "di",
        },
        always=("reason",),
    ),
    "flow.modify": Case(
        lambda s: {
            "assignment": s.inspected,
            "task": 1,
            "reply": P.Choice("dog"),
            "expected_version": 0,
            "seconds": 2.5,
            "by": "di",
        }
    ),
    "flow.review": Case(lambda s: {"assignment": s.inspected, "seconds": 2.5, "by": "di"}),
    "flow.accept": Case(lambda s: {"assignment": s.accepted, "seconds": 2.5, "by": "ada"}),
    "flow.reject": Case(
        lambda s: {
            "assignment": s.inspected_with_reasons,
            "tasks": [1],
            "comment": "too small",
            "reason": "small",
            "whole": True,
            "seconds": 2.5,
            "by": "di",
        },
        always=("comment", "reason", "tasks"),
    ),
    "flow.plan_verdict": Case(lambda s: {"assignment": s.planned, "by": "di"}),
    "flow.review_many": Case(lambda s: {"assignments": [s.inspected], "by": "di"}),
    "flow.accept_many": Case(lambda s: {"assignments": [s.accepted], "by": "ada"}),
    "flow.reject_many": Case(
        lambda s: {
            "assignments": [s.inspected_with_reasons],
            "comment": "too small",
            "reason": "small",
            "whole": True,
            "by": "di",
        },
        always=("comment", "reason", "whole"),
    ),
    "flow.available": Case(
        lambda s: {"member": s.job and "ben", "workspace": s.home, "by": "ada"},
        always=("workspace",),
    ),
    "flow.tick": Case(
        lambda s: {"workspace": s.home, "job": s.job, "by": "ada"},
        always=("workspace",),
        alone=("job",),
    ),
    "flow.explain": Case(
        lambda s: {
            "member": "ben",
            "job": s.job,
            "stage": "label",
            "workspace": s.home,
            "by": "ada",
        },
        always=("job", "workspace"),
    ),
    "flow.can": Case(
        lambda s: {
            "member": "ben",
            "action": "label",
            "entity": s.job,
            "stage": "label",
            "by": "ada",
        }
    ),
    "flow.close": Case(lambda s: {"timeout": 1.0}),
}


def stored_template(s: Scene) -> Any:
    return s.flow.templates.add(s.home, TEMPLATES["choice"](), name="kept", by="ada", exist_ok=True)


NAMESPACES: Mapping[str, Case] = {
    "flow.assignments.assign": Case(
        lambda s: {"package": (s.job.id, 1), "member": "ben", "by": "ada"}
    ),
    "flow.assignments.assign_many": Case(
        lambda s: {"packages": [(s.job.id, 1)], "member": "ben", "by": "ada"}
    ),
    "flow.assignments.expire": Case(lambda s: {"job": s.job, "by": "ada"}),
    "flow.assignments.get": Case(lambda s: {"assignment": s.held, "by": "ben"}),
    "flow.assignments.list": Case(
        lambda s: {
            "member": "ben",
            "job": s.job,
            "workspace": s.home,
            "live": False,
            "by": "ada",
            "limit": 5,
            "after": s.held,
        },
        always=("workspace",),
    ),
    "flow.assignments.reassign": Case(
        lambda s: {"assignment": s.held, "member": "cy", "by": "ada", "comment": "ill"}
    ),
    "flow.packages.discard": Case(
        lambda s: {"package": (s.job.id, 1), "by": "ada", "comment": "torn"}
    ),
    "flow.packages.get": Case(lambda s: {"package": (s.job.id, 1), "by": "ada"}),
    "flow.comments.add": Case(
        lambda s: {
            "task": (s.job, 1),
            "text": "so",
            "by": "ada",
            "thread": s.comment,
            "annotation": "r1",
        },
    ),
    "flow.quality.labels": Case(
        lambda s: {"job": s.job, "extra_votes": False, "by": "ada", "progress": wrapped},
    ),
    "flow.quality.agreement": Case(
        lambda s: {
            "job": s.job,
            "extra_votes": True,
            "bootstrap": 5,
            "seed": 1,
            "by": "ada",
            "progress": wrapped,
        },
    ),
    "flow.quality.truth": Case(lambda s: {"job": s.job, "by": "ada", "progress": wrapped}),
    "flow.quality.position_bias": Case(lambda s: {"job": s.job, "by": "ada", "progress": wrapped}),
    "flow.quality.work": Case(
        lambda s: {
            "workspace": s.home,
            "since": START,
            "until": START,
            "per": ["member", "day"],
            "by": "ada",
            "progress": wrapped,
        }
    ),
    "flow.quality.statement": Case(
        lambda s: {
            "workspace": s.home,
            "rates": {"label": P.Rate(item=0.05, hour=12.0)},
            "after": 0,
            "until": 1,
            "by": "ada",
            "progress": wrapped,
        }
    ),
    "flow.quality.forecast": Case(
        lambda s: {"job": s.job, "level": 0.9, "by": "ada", "progress": wrapped}
    ),
    "flow.quality.statistics": Case(
        lambda s: {
            "job": s.job,
            "of": "member",
            "unit": "operatorcell",
            "since": START,
            "until": START + timedelta(days=2),
            "every": timedelta(days=1),
            "by": "ada",
            "progress": wrapped,
        },
        always=("since", "until"),
    ),
    "flow.quality.error_left": Case(
        lambda s: {"job": s.job, "detection": 0.9, "by": "ada", "progress": wrapped}
    ),
    "flow.comments.list": Case(
        lambda s: {
            "job": s.comment.job,
            "task": 1,
            "is_resolved": False,
            "by": "ada",
            "limit": 5,
            "after": next(s.flow.comments.list(s.comment.job)),
        },
    ),
    "flow.comments.resolve": Case(lambda s: {"thread": s.comment, "by": "ada", "text": "done"}),
    "flow.comments.reopen": Case(lambda s: {"thread": s.comment, "by": "ada", "text": "or not"}),
    "flow.packages.list": Case(
        lambda s: {
            "job": s.job,
            "state": "label",
            "overdue": False,
            "by": "ada",
            "limit": 5,
            "after": 1,
        }
    ),
    "flow.packages.set_due": Case(
        lambda s: {
            "job": s.job,
            "due": LATER,
            "by": "ada",
            "packages": [1],
            "progress": wrapped,
        }
    ),
    "flow.packages.ask_again": Case(
        lambda s: {"tasks": [(s.voted.id, 1)], "votes": 1, "by": "ada"}
    ),
    "flow.packages.prioritize": Case(
        lambda s: {
            "job": s.job,
            "priority": {1: 5},
            "by": "ada",
            "packages": None,
            "ignore_missing": True,
            "progress": wrapped,
        }
    ),
    "flow.packages.reopen": Case(
        lambda s: {"package": s.discarded, "by": "ada", "comment": "found"}
    ),
    "flow.workspaces.create": Case(
        lambda s: {"name": f"new-{s.number}", "admin": "ada", "exist_ok": True}
    ),
    "flow.workspaces.get": Case(lambda s: {"workspace": s.home, "by": "ben"}),
    "flow.workspaces.list": Case(lambda s: {"by": s.ben, "limit": 5, "after": s.home}),
    "flow.workspaces.rename": Case(
        lambda s: {"workspace": s.home, "name": f"renamed-{s.number}", "by": "ada"}
    ),
    "flow.members.add": Case(
        lambda s: {
            "workspace": s.home,
            "account": "fay",
            "role": "operator",
            "by": "ada",
            "groups": ["night"],
            "external": False,
            "exist_ok": True,
        },
        lambda s, made: s.new_job(),
    ),
    "flow.members.get": Case(lambda s: {"workspace": s.home, "member": "ben", "by": "ada"}),
    "flow.members.list": Case(
        lambda s: {"workspace": s.home, "by": "ada", "limit": 5, "after": s.ben}
    ),
    "flow.members.remove": Case(
        lambda s: {"workspace": s.home, "member": "eve", "by": "ada", "progress": wrapped}
    ),
    "flow.members.pause": Case(
        lambda s: {
            "workspace": s.home,
            "member": "eve",
            "until": LATER,
            "by": "ada",
            "progress": wrapped,
        }
    ),
    "flow.members.resume": Case(lambda s: {"workspace": s.home, "member": "eve", "by": "ada"}),
    "flow.members.set_role": Case(
        lambda s: {
            "workspace": s.home,
            "member": "eve",
            "role": "leader",
            "by": "ada",
            "groups": ["day"],
            "external": True,
        },
        lambda s, made: s.new_job(),
    ),
    "flow.members.set_skills": Case(
        lambda s: {
            "workspace": s.home,
            "member": "eve",
            "skills": {"lang:de": 1, "radiology": 0.5},
            "by": "ada",
        },
        lambda s, made: s.new_job(),
    ),
    "flow.templates.add": Case(
        lambda s: {
            "workspace": s.home,
            "template": TEMPLATES["choice"](),
            "name": "animals",
            "by": "ada",
            "exist_ok": True,
        }
    ),
    "flow.templates.get": Case(lambda s: {"job": s.job, "by": "ada"}),
    "flow.templates.list": Case(
        lambda s: {"workspace": s.home, "by": "ada", "limit": 5, "after": stored_template(s)}
    ),
    "flow.events.follow": Case(
        lambda s: {"after": 0, "workspace": s.job and s.home, "timeout": 0.01, "by": "ada"},
        always=("timeout", "workspace"),
        most=3,
    ),
    "flow.events.list": Case(
        lambda s: {"job": s.job, "package": 1, "by": "ada", "limit": 5, "after": 1}
    ),
    "flow.events.since": Case(
        lambda s: {"after": 0, "workspace": s.home, "by": "ada", "limit": 5},
        always=("workspace",),
        most=50,
    ),
    "flow.results.find": Case(
        lambda s: {
            "job": s.job,
            "state": "todo",
            "member": "ben",
            "label": "cat",
            "by": "ada",
            "limit": 5,
            "after": (s.job.id, 1),
        }
    ),
    "flow.results.get": Case(
        lambda s: {"job": s.keyed, "task": 1, "key": "1.jpg", "by": "ada"},
        always=("task",),
        alone=("key",),
    ),
    "flow.results.list": Case(
        lambda s: {
            "job": s.job,
            "where": P.Selection(label="cat"),
            "by": "ada",
            "snapshot": True,
            "limit": 5,
            "after": 1,
        }
    ),
    "flow.results.versions": Case(
        lambda s: {"job": s.keyed, "task": 1, "key": "1.jpg", "by": "ada"},
        always=("task",),
        alone=("key",),
    ),
    "flow.results.restore_version": Case(
        lambda s: {
            "assignment": s.held,
            "task": 1,
            "version": s.flow.results.versions(s.held.job, 1)[0],
            "expected_version": 1,
            "by": "ben",
        }
    ),
    "flow.results.partition": Case(lambda s: {"job": s.job, "count": 2, "by": "ada"}),
    "flow.results.follow": Case(
        lambda s: {
            "place": s.keyed_and_ended,
            "after": "3-1",
            "became": P.Became.ABANDONED,
            "timeout": 0.01,
            "by": "ada",
        },
        # without a time it goes on for ever: two results are there
        always=("timeout", "became"),
        most=2,
    ),
    "flow.results.wait": Case(
        lambda s: {
            "job": s.keyed_and_ended,
            "task": 1,
            "key": "1.jpg",
            "timeout": 0.01,
            "by": "ada",
        },
        always=("task", "timeout"),
        alone=("key",),
    ),
    "flow.results.votes": Case(lambda s: {"job": s.job, "by": "ada", "limit": 5, "after": 1}),
    "flow.results.rows": Case(
        lambda s: {
            "job": s.job,
            "votes": True,
            "fields": ["source"],
            "accounts": False,
            "where": P.Selection(label="cat"),
            "by": "ada",
            "limit": 5,
            "after": 1,
        }
    ),
    "flow.results.to_arrow": Case(
        lambda s: {
            "job": s.job,
            "votes": True,
            "fields": ["source"],
            "accounts": False,
            "where": P.Selection(label="cat"),
            "by": "ada",
            "progress": wrapped,
        }
    ),
    "flow.results.snapshot": Case(
        lambda s: {
            "job": s.job,
            "name": f"snapshot {s.position()}",
            "target": os.devnull,
            "where": P.Selection(label="cat"),
            "by": "ada",
            "progress": wrapped,
        }
    ),
    "flow.results.snapshots": Case(
        lambda s: {
            "job": s.job,
            "by": "ada",
            "limit": 5,
            "after": s.flow.results.snapshot(s.job, f"older {s.position()}", os.devnull),
        }
    ),
    "flow.results.drop_snapshot": Case(
        lambda s: {
            "job": s.job,
            "snapshot": s.flow.results.snapshot(s.job, f"old {s.position()}", os.devnull),
            "by": "ada",
        }
    ),
    "flow.results.exports": Case(
        lambda s: {"job": s.job, "task": 1, "by": "ada", "limit": 5, "after": 0, "key": None},
        alone=("key",),
    ),
    "flow.results.export": Case(
        lambda s: {
            "job": s.job,
            "format": "csv",
            "target": io.BytesIO(),
            "split": None,
            "where": P.Selection(label="cat"),
            "since": 0,
            "stages": ["label"],
            "by": "ada",
            "progress": wrapped,
            "snapshot": True,
            "executor": None,
            "partitions": 2,
            "lossy": "report",
            "escape_formulas": True,
        }
    ),
}
ORDER: Callable[[Scene], Arguments] = lambda s: {  # noqa: E731
    "workspace": s.home,
    "name": f"new-{s.position()}",
    "template": TEMPLATES["choice"](),
    "data": rows(2),
    "workflow": P.Workflow(P.Label(), P.Inspect()),
    "packaging": P.FixedSize(2),
    "by": "ada",
    "on_error": "skip",
    "row_key": "source",
    "row_key_type": "text",
    "progress": wrapped,
    "tags": ["night"],
    "remark": "a note",
    "guideline": "look twice",
    "due_at": START,
    "closes_at": LATER,
    "auto_finish": False,
    "priority": 3,
}
JOBS: Mapping[str, Case] = {
    "flow.jobs.create": Case(
        lambda s: {
            **ORDER(s),
            "workforce": {"label": ["ben", "cy"], "inspect": ["di"]},
            "draft": False,
            "format": "itag",
            "seed": 7,
            "validator": "all",
            "exist_ok": True,
        },
        lambda s, made: s.work_through(made),
        always=("data", "workforce", "workflow"),
    ),
    "flow.jobs.check": Case(
        lambda s: {
            **without(ORDER(s), "on_error"),
            "workforce": {"label": ["ben", "cy"], "inspect": ["di"]},
            "format": "itag",
            "seed": 7,
            "validator": "all",
        },
        always=("data", "workforce", "workflow"),
    ),
    "flow.jobs.clone": Case(
        lambda s: {
            "job": s.job,
            "name": f"copy-{s.position()}",
            "by": "ada",
            "with_data": True,
            "progress": wrapped,
        }
    ),
    "flow.jobs.load_report": Case(lambda s: {"job": s.job, "by": "ada"}),
    "flow.jobs.import_results": Case(
        lambda s: {
            **ORDER(s),
            "data": io.BytesIO(s.exported),
            "format": "itag",
            "of_job": str(s.job.id),
        }
    ),
    "flow.jobs.list": Case(
        lambda s: {
            "workspace": s.home,
            "state": "running",
            "by": "ada",
            "limit": 5,
            "after": s.job,
        }
    ),
    "flow.jobs.get": Case(lambda s: {"job": s.job, "by": "ada"}),
    "flow.jobs.progress": Case(lambda s: {"job": s.job, "by": "ada"}),
    "flow.jobs.queue": Case(lambda s: {"job": s.job, "by": "ada"}),
    "flow.lots.list": Case(lambda s: {"job": s.in_lots, "by": "ada", "limit": 5, "after": s.lot}),
    "flow.lots.get": Case(lambda s: {"job": s.in_lots, "number": 1, "by": "ada"}),
    "flow.lots.resume": Case(lambda s: {"job": s.in_lots, "by": "ada"}),
    "flow.lots.close": Case(lambda s: {"job": s.in_lots, "by": "ada"}),
    "flow.jobs.blocked": Case(lambda s: {"job": s.job, "by": "ada", "limit": 5, "after": 1}),
    "flow.jobs.load": Case(
        lambda s: {
            "job": s.draft,
            "data": rows(2),
            "by": "ada",
            "format": "itag",
            "on_error": "skip",
            "progress": wrapped,
        }
    ),
    "flow.jobs.append": Case(
        lambda s: {
            "job": s.job,
            "data": rows(2),
            "by": "ada",
            "format": "itag",
            "on_error": "skip",
            "progress": wrapped,
            "priority": 0.5,
            "due": LATER,
        }
    ),
    "flow.jobs.add": Case(
        lambda s: {
            "job": s.job,
            "data": {"source": "new.jpg"},
            "by": "ada",
            "key": f"key-{s.position()}",
            "priority": 0.5,
            "due": LATER,
            "tags": ["night"],
            "prediction": P.PreLabel(P.Choice("cat"), score=0.5),
            "min_confidence": 0.9,
        }
    ),
    "flow.jobs.withdraw": Case(
        lambda s: {
            "job": s.keyed,
            "tasks": [1],
            "keys": ["2.jpg"],
            "ignore_missing": True,
            "comment": "gone",
            "progress": wrapped,
            "by": "ada",
        },
        always=("tasks",),
    ),
    "flow.jobs.publish": Case(lambda s: {"job": s.loaded, "by": "ada"}),
    "flow.jobs.pause": Case(lambda s: {"job": s.job, "by": "ada"}),
    "flow.jobs.resume": Case(lambda s: {"job": s.paused, "by": "ada"}),
    "flow.jobs.finish": Case(
        lambda s: {"job": s.job, "by": "ada", "progress": wrapped, "discard_open": True},
        always=("discard_open",),
    ),
    "flow.jobs.reopen": Case(
        lambda s: {
            "job": s.finished,
            "where": P.Selection(label="cat"),
            "to": "label",
            "assign": "author",
            "comment": "look again",
            "dry_run": False,
            "progress": wrapped,
            "by": "ada",
        }
    ),
    "flow.jobs.archive": Case(lambda s: {"job": s.job, "by": "ada", "progress": wrapped}),
    "flow.jobs.delete": Case(lambda s: {"job": s.loaded, "by": "ada", "progress": wrapped}),
    "flow.jobs.guidelines": Case(lambda s: {"job": s.job, "by": "ada"}),
    "flow.jobs.update": Case(
        lambda s: {
            "job": s.job,
            "by": "ada",
            "progress": wrapped,
            "tags": ["day"],
            "remark": "a note",
            "guideline": "look twice",
            "due_at": START,
            "closes_at": LATER,
            "auto_finish": False,
            "priority": -1,
            "name": "renamed",
            "workflow": s.job.workflow,
        }
    ),
    "flow.jobs.set_validator": Case(
        lambda s: {"job": s.job, "validator": "all", "by": "ada"},
        lambda s, made: s.flow.save(s.held, 2, P.Choice("cat")),
    ),
    "flow.jobs.set_workforce": Case(
        lambda s: {
            "job": s.job,
            "workforce": {"label": ["ben"], "inspect": ["di"], "accept": ["ada"]},
            "by": "ada",
        },
        lambda s, made: s.flow.claim("ben", s.job, "label"),
    ),
    "flow.jobs.add_workers": Case(
        lambda s: {"job": s.job, "stage": "label", "workers": ["eve"], "by": "ada"}
    ),
    "flow.jobs.remove_workers": Case(
        lambda s: {"job": s.job, "stage": "label", "workers": ["cy"], "by": "ada"}
    ),
    "flow.jobs.prelabel": Case(
        lambda s: {
            "job": s.job,
            "predict": lambda tasks: [P.Choice("cat") for _ in tasks],
            "by": "ada",
            "min_confidence": True,
            "model": "vit",
            "model_version": "2",
            "batch": 2,
            "progress": wrapped,
        }
    ),
    "flow.jobs.change_template": Case(
        lambda s: {
            "job": s.job,
            "to": P.RenameOption("1", "cat", "pet"),
            "by": "ada",
            "dry_run": True,
            "progress": wrapped,
        }
    ),
}
MAKE_JOBS = (
    "Label",
    "Inspect",
    "Accept",
    "Lot",
    "Workflow",
    "FixedSize",
    "PackageCount",
    "Field",
    "GroupByField",
    "Option",
    "View",
    "Scale",
    "Question",
    "Template",
    *(f"templates.{name}" for name in READY_MADE),
    "flow.jobs.create",
)
"""What is tried with a new job each time, so that the next try can have the same workspace."""
REPEATABLE = (
    *PARTS,
    "Group",
    "delivery.discard",
    "delivery.enable",
    "delivery.redeliver",
    "replies_from_json",
    "flow.renew",
    "flow.save",
    "flow.save_many",
    "flow.abandon",
    "flow.judge",
    "flow.modify",
    "flow.packages.prioritize",
    "flow.packages.set_due",
    "flow.tick",
    "flow.jobs.set_workforce",
)
"""What can be done again in the same place."""
TABLES: Mapping[str, Case] = {
    **PARTS,
    **ORDERS,
    **DELIVERIES,
    **ENTITIES,
    **STORES,
    **POSTGRES,
    **FUNCTIONS,
    **(CHARTS if HAS_MATPLOTLIB else {}),
    **{f"templates.{name}": _ready_made(arguments) for name, arguments in READY_MADE.items()},
    **WORK,
    **NAMESPACES,
    **JOBS,
    **{key: Case(good) for key, good in QUALITY.items()},
}
CASES: Mapping[str, Case] = {
    key: attrs.evolve(
        case, makes_jobs=key in MAKE_JOBS, is_repeatable=key in MAKE_JOBS or key in REPEATABLE
    )
    for key, case in TABLES.items()
}
"""Every case by the key of its callable."""
