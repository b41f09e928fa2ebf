"""Every public value has JSON that fits its schema, and every error its problem details."""

from __future__ import annotations

import inspect
import io
import json
from collections.abc import Iterator
from typing import Annotated, Any, get_args

import attrs
import pytest
from docs.test_surface import EXPORTED
from fastapi import Body, FastAPI
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator
from support.scenes import cats, labeled, taken
from values.callables import PublicCallable, public_callables
from values.cases import CASES
from values.scene import Scene, Stores

import itagflow
from itagflow import (
    AlreadyExists,
    Choice,
    Flow,
    Incomplete,
    InvalidData,
    Job,
    NotAllowed,
    NotFound,
    NotHeld,
    Result,
    StoreFailed,
    Template,
    Workflow,
    WrongState,
    errors,
    model,
)
from itagflow.errors import ItagflowError, Problem, UnknownFormat
from itagflow.json import AsJson, json_schema, to_json, to_problem
from itagflow.json.fields import COMPUTED, KEYS, LEFT_OUT, ZERO_IS_NOTHING, list_fields
from itagflow.json.kinds import KINDS
from itagflow.json.problems import PREFIX, STATUSES, TITLES

NEVER_SENT = {
    "Annotation": "what regions, spans, segments and relations have in common",
    "Dataset": "an argument of calls in Python",
    "Fields": "of the storage port",
    "FormatContext": "what a format is told",
    "FormatOption": "what a format declares",
    "Function": "code of the application",
    "Html": "what a notebook shows",
    "IndexField": "of the storage port",
    "Query": "of the storage port",
    "Reading": "what a reader asks the policy",
    "ReviewRule": "what Inspect and Accept have in common",
    "RolePolicy": "code of the application",
    "Row": "a line of a file, which is JSON already",
    "Span": "of the storage port",
    "Split": "an argument of calls in Python",
    "StageRule": "what the rules of all stages have in common",
    "Unless": "of the storage port",
    "Webhook": "it holds a secret",
}
"""The public classes of values that have no JSON, and why."""


def public_values() -> dict[str, type[Any]]:
    return {
        name: kind
        for module, names in EXPORTED.items()
        if module != "itagflow.testing"
        for name, kind in names.items()
        if inspect.isclass(kind) and attrs.has(kind) and not issubclass(kind, ItagflowError)
    }


def test_every_public_value_has_json() -> None:
    assert set(public_values()) - set(KINDS) == set(NEVER_SENT)
    assert not set(NEVER_SENT) & set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_every_schema_is_one(name: str) -> None:
    schema = json_schema(name)
    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema


def test_the_tables_name_fields_that_are_there() -> None:
    for table in (KEYS, LEFT_OUT, ZERO_IS_NOTHING):
        for kind, names in table.items():
            assert set(names) <= {field.name for field in attrs.fields(kind)}, kind
    for kind, names in COMPUTED.items():
        assert all(isinstance(getattr(kind, name), property) for name in names), kind


def test_no_field_with_a_key_is_written_as_a_number() -> None:
    keys = {"id", "job", "workspace", "assignment", "template", "member", "created_by", "voters"}
    wrong = [
        (name, field.name)
        for name, kind in KINDS.items()
        if isinstance(kind, type) and attrs.has(kind) and not issubclass(kind, ItagflowError)
        for field in list_fields(kind)
        if field.name in keys and int in (field.hint, *get_args(field.hint))
    ]
    # the members of a cluster are numbered from 0
    assert wrong == [("Cluster", "voters")]


# -- a value of every kind --


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    stores = Stores("memory", lambda: "memory:", tmp_path_factory.mktemp("values"))
    yield stores.scene()
    stores.leave()


def made(one: PublicCallable, scene: Scene) -> Iterator[Any]:
    """Values of a class: with what it needs, and with each of the others besides."""
    case = CASES[one.key]
    for parameter in (None, *one.parameters):
        good = dict(case.good(scene))
        wanted = {*one.required, *case.always, parameter} & set(good)
        if parameter in case.alone:
            wanted -= set(case.always) - {parameter}
        given = {name: good[name] for name in wanted}
        several = given.pop(one.starred, ()) if one.starred else ()
        yield one.target(*several, **given)  # type: ignore[misc]


CALLABLES = public_callables()


@pytest.mark.parametrize("name", [name for name in KINDS if inspect.isclass(KINDS[name])])
def test_every_value_fits_the_schema_of_its_class(name: str, scene: Scene) -> None:
    validator = Draft202012Validator(json_schema(name))
    values = [NotFound("Job", 1)]
    if name != "ItagflowError":
        values = list(made(CALLABLES[name], scene))
    for value in values:
        written = to_json(value, scene.flow)
        validator.validate(json.loads(json.dumps(written, allow_nan=False)))
    assert values


def test_what_a_flow_returns_fits_its_schema(flow: Flow) -> None:
    job = cats(flow)
    assignment = labeled(flow, "ben", job)
    held = taken(flow, "cy", job)
    flow.comments.add((job, 3), "which one?", by="cy")
    values = [
        job,
        assignment,
        *flow.tasks(held),
        *flow.workspaces.list(),
        *flow.members.list(job.workspace),
        *flow.packages.list(job),
        *flow.events.list(job),
        *flow.results.list(job),
        flow.templates.get(job),
        flow.jobs.progress(job),
        flow.jobs.queue(job),
        flow.jobs.load_report(job),
        *flow.jobs.blocked(job),
        *flow.lots.list(job),
        *flow.release_many([held, held]),
        *flow.comments.list(job),
        flow.can("ben", "export", job),
        flow.tick(),
        *flow.results.partition(job, 2),
        flow.results.export(job, "itag", io.BytesIO()),
    ]
    for value in values:
        schema = json_schema(type(value).__name__)
        written = json.loads(json.dumps(to_json(value, flow), allow_nan=False))
        Draft202012Validator(schema).validate(written)
    assert len({type(value) for value in values}) > 15


# -- errors --

ERRORS = sorted(
    {
        kind
        for kind in vars(errors).values()
        if inspect.isclass(kind) and issubclass(kind, ItagflowError)
    },
    key=lambda kind: kind.__name__,
)
EXAMPLES = [
    WrongState("job 'cats'", "publish", itagflow.JobState.FINISHED),
    NotAllowed("ben", "export", "it is not theirs"),
    NotHeld((7532021212319075461, 5), "it was given back"),
    Incomplete("submit", "tasks are not answered", (1, 2)),
    errors.NotAcknowledged("ben", "cats", 2),
    errors.StaleVersion(3, 1, 2),
    InvalidData("the answer", [Problem("1.key", "is missing")]),
    NotFound("Job", 7532021212319075461),
    NotFound("Job", (object(), 2**60)),
    AlreadyExists("Job", "cats", ("workflow",)),
    errors.Conflict("Job", (4,)),
    StoreFailed("/srv/secret.db", "the disk is full", "make room"),
    UnknownFormat("coco", ("itag", "csv")),
    errors.NotRegistered("validator", "check", ("other",)),
    errors.RuleError("no"),
    errors.StoreError("no"),
    ItagflowError("no"),
]


def test_every_error_has_a_status_a_title_and_a_type() -> None:
    assert set(STATUSES) == set(TITLES) == set(ERRORS)
    assert {type(example) for example in EXAMPLES} == set(ERRORS)
    types = [to_problem(example)["type"] for example in EXAMPLES]
    assert len(set(types)) == len(ERRORS)
    assert all(each.startswith(PREFIX) for each in types)
    assert all(400 <= status <= 599 for status in STATUSES.values())


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_problem_details_are_json_and_have_what_the_error_holds(error: ItagflowError) -> None:
    problem = json.loads(json.dumps(to_problem(error), allow_nan=False))
    Draft202012Validator(json_schema("ItagflowError")).validate(problem)
    assert to_json(error) == problem
    if isinstance(error, StoreFailed | errors.NotRegistered):
        assert set(problem) == {"type", "title", "status", "detail"}
        assert "secret" not in str(problem)
    else:
        assert problem["detail"] == str(error)
        held = {field.name for field in attrs.fields(type(error))} if attrs.has(type(error)) else ()
        assert set(held) <= set(problem)


def test_problem_details_keep_keys_and_problems() -> None:
    assert to_problem(EXAMPLES[2])["assignment"] == ["7532021212319075461", "5"]
    assert to_problem(EXAMPLES[0])["state"] == "finished"
    assert to_problem(EXAMPLES[6])["problems"] == [{"where": "1.key", "reason": "is missing"}]


def test_an_error_of_the_application_has_the_status_of_what_it_extends() -> None:
    class Closed(NotAllowed):
        """An error of an application."""

    problem = to_problem(Closed("ben", "enter", "it is night"))
    assert (problem["type"], problem["status"]) == ("urn:itagflow:error:not-allowed", 403)


# -- as models of FastAPI --


@pytest.mark.parametrize("name", [name for name in KINDS if name in model.__all__])
def test_every_value_of_the_model_is_a_response_model(name: str) -> None:
    kind = KINDS[name]
    app = FastAPI()
    app.get("/one", response_model=kind)(lambda: None)
    app.get("/many", response_model=list[kind])(lambda: None)
    schemas = app.openapi()["components"]["schemas"]
    wanted = json_schema(name)["$defs"]
    assert set(schemas) >= set(wanted)
    assert schemas[name]["required"] == wanted[name]["required"]
    assert schemas[name]["properties"].keys() == wanted[name]["properties"].keys()


@pytest.mark.parametrize("name", KINDS)
def test_everything_else_is_a_response_model_with_a_marker(name: str) -> None:
    app = FastAPI()
    app.get("/one", response_model=Annotated[KINDS[name], AsJson()])(lambda: None)
    assert json.dumps(app.openapi())


def test_an_application_needs_no_code_of_its_own_for_json(flow: Flow) -> None:
    job = cats(flow)
    labeled(flow, "ben", job)
    app = FastAPI()

    @app.get("/job")
    def read_job() -> Job:
        return flow.jobs.get(job)

    @app.get("/results", response_model=Annotated[list[Result], AsJson(flow)])
    def list_results() -> object:
        return list(flow.results.list(job))

    @app.get("/template")
    def read_template() -> Template | None:
        return flow.templates.get(job)

    @app.post("/workflow")
    def send(workflow: Annotated[Workflow, Body()]) -> list[str]:
        return [stage.value for stage in workflow.stages]

    with TestClient(app) as client:
        assert client.get("/job").json() == to_json(flow.jobs.get(job))
        results = client.get("/results").json()
        assert results == to_json(flow.results.list(job), flow)
        assert results[0]["stages"]["label"]["member"]["account"] == "ben"
        assert client.get("/template").json() == to_json(flow.templates.get(job))
        sent = to_json(Workflow())
        assert client.post("/workflow", json=sent).json() == ["label"]
        refused = client.post("/workflow", json={"label": {"votes": "many"}})
        assert refused.status_code == 422
        assert "label.votes: must be a whole number, not 'many'" in refused.text
        assert client.post("/workflow", json=[]).status_code == 422


def test_another_value_than_the_model_says_is_an_error_of_the_application(flow: Flow) -> None:
    app = FastAPI()
    app.get("/job", response_model=Job)(lambda: Choice("cat"))
    with TestClient(app) as client, pytest.raises(Exception, match="Job is only written"):
        client.get("/job")
