"""Whoever waits for something long sees how far it is, and how much there is."""

from __future__ import annotations

import inspect
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from datetime import timedelta
from functools import partial
from operator import length_hint
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from support.named_errors import verbs
from support.scenes import START, cats, labeled, rows, street, taken
from values.callables import public_callables, public_names

from itagflow import (
    Choice,
    FixedSize,
    Flow,
    InvalidData,
    Job,
    Label,
    Member,
    Selection,
    Split,
    Workflow,
    maintenance,
    templates,
)
from itagflow.json import json_schema, to_json
from itagflow.json.kinds import KINDS
from itagflow.storage import MemoryStore
from itagflow.templates import RenameOption

CATS = templates.image_classification(["cat", "dog"])


class Bar:
    """What tqdm does: it asks once how much there is, and counts what goes by."""

    def __init__(self) -> None:
        self.totals: list[int] = []
        self.steps: list[int] = []

    def __call__(self, items: Iterable[Any]) -> Iterator[Any]:
        # as tqdm does, and as rich does
        self.totals.append(len(items))  # type: ignore[arg-type]
        assert length_hint(items) == self.totals[-1]
        self.steps.append(0)
        return self._count(items)

    def _count(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            yield item
            self.steps[-1] += 1


class AtOnce(Executor):
    """Does everything at once."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


Act = Callable[[Flow, Job, Bar], object]
ORDER: dict[str, Any] = {"template": CATS, "by": "ada"}


def load(flow: Flow, job: Job, bar: Bar) -> object:
    draft = flow.jobs.create(job.workspace, "draft", **ORDER, draft=True)
    return flow.jobs.load(draft, rows(7), by="ada", progress=bar)


def import_results(flow: Flow, job: Job, bar: Bar) -> object:
    file = io.BytesIO()
    flow.results.export(job, "itag", file)
    lines = file.getvalue().decode().splitlines()
    return flow.jobs.import_results(job.workspace, "again", **ORDER, data=lines, progress=bar)


def delete(flow: Flow, job: Job, bar: Bar) -> object:
    draft = flow.jobs.create(job.workspace, "draft", **ORDER, draft=True, data=rows(7))
    return flow.jobs.delete(draft, by="ada", progress=bar)


def prelabel(flow: Flow, job: Job, bar: Bar) -> object:
    new = flow.jobs.create(job.workspace, "new", **ORDER, data=rows(120))
    cat = Choice("cat")
    return flow.jobs.prelabel(new, lambda tasks: [cat] * len(tasks), by="ada", progress=bar)


def erase_member(flow: Flow, job: Job, bar: Bar) -> object:
    flow.members.add(job.workspace, "gone", "operator", by="ada")
    flow.members.remove(job.workspace, "gone", by="ada")
    return maintenance.erase_member(flow, job.workspace, "gone", by="ada", progress=bar)


def finish(flow: Flow, job: Job, bar: Bar) -> object:
    flow.jobs.append(job, rows(7), by="ada")
    return flow.jobs.finish(job, discard_open=True, by="ada", progress=bar)


def archive(flow: Flow, job: Job, bar: Bar) -> object:
    offer_three(flow, job)
    return flow.jobs.archive(job, by="ada", progress=bar)


def remove(flow: Flow, job: Job, bar: Bar) -> object:
    offer_three(flow, job)
    taken(flow, "ben", job)
    return flow.members.remove(job.workspace, "ben", by="ada", progress=bar)


def pause(flow: Flow, job: Job, bar: Bar) -> object:
    offer_three(flow, job)
    return flow.members.pause(job.workspace, "ben", by="ada", progress=bar)


def offer_three(flow: Flow, job: Job) -> None:
    """Offer three packages of two tasks to Ben."""
    flow.jobs.append(job, rows(6), by="ada")
    for package in flow.packages.list(job, state="label"):
        flow.assignments.assign(package, "ben", by="ada")


def update(flow: Flow, job: Job, bar: Bar) -> object:
    """Ask for more votes of the packages that are still at LABEL."""
    flow.members.add(job.workspace, "cy", "operator", by="ada")
    flow.jobs.add_workers(job, "label", ["cy"], by="ada")
    new = flow.jobs.create(
        job.workspace,
        "new",
        **ORDER,
        data=rows(7),
        packaging=FixedSize(2),
        workforce={"label": ["ben", "cy"]},
        workflow=Workflow(Label(votes=1, on_dispute="keep")),
    )
    labeled(flow, "ben", new)
    votes = Workflow(Label(votes=2, on_dispute="keep"))
    return flow.jobs.update(new, workflow=votes, by="ada", progress=bar)


def measure(verb: str, flow: Flow, job: Job, bar: Bar) -> object:
    return getattr(flow.quality, verb)(job, progress=bar)


STEP = RenameOption("1", "cat", "pet")
PUBLIC = public_callables()
LONG: dict[str, tuple[Act, list[int]]] = {
    "flow.jobs.create": (
        lambda flow, job, bar: flow.jobs.create(
            job.workspace, "new", **ORDER, data=rows(7), progress=bar
        ),
        [7],
    ),
    "flow.jobs.check": (
        lambda flow, job, bar: flow.jobs.check(
            job.workspace, "new", **ORDER, data=rows(7), progress=bar
        ),
        [7],
    ),
    "flow.jobs.load": (load, [7]),
    "flow.jobs.append": (
        lambda flow, job, bar: flow.jobs.append(job, rows(7), by="ada", progress=bar),
        [7],
    ),
    # its rows, and the package that they become
    "flow.jobs.import_results": (import_results, [10, 1]),
    "flow.jobs.clone": (
        lambda flow, job, bar: flow.jobs.clone(job, "twin", by="ada", with_data=True, progress=bar),
        [10],
    ),
    # a package, seven tasks, and the events of which it tells
    "flow.jobs.delete": (delete, [11]),
    "flow.jobs.withdraw": (
        lambda flow, job, bar: flow.jobs.withdraw(job, tasks=[1, 2, 3], by="ada", progress=bar),
        [2],
    ),
    "flow.jobs.reopen": (
        lambda flow, job, bar: flow.jobs.reopen(
            job, where=Selection(label="cat"), by="ada", progress=bar
        ),
        [5],
    ),
    "flow.jobs.prelabel": (prelabel, [3]),
    # ten answers, and five packages
    "flow.jobs.change_template": (
        lambda flow, job, bar: flow.jobs.change_template(job, STEP, by="ada", progress=bar),
        [10, 5],
    ),
    # four packages that are open
    "flow.jobs.finish": (finish, [4]),
    # three offers
    "flow.jobs.archive": (archive, [3]),
    # three packages that are still to be labeled
    "flow.jobs.update": (update, [3]),
    # an assignment that was offered is held, and two are offered
    "flow.members.remove": (remove, [3]),
    "flow.members.pause": (pause, [3]),
    "flow.packages.prioritize": (
        lambda flow, job, bar: flow.packages.prioritize(
            job, 5, packages=[1, 2, 4], by="ada", progress=bar
        ),
        [3],
    ),
    "flow.packages.set_due": (
        lambda flow, job, bar: flow.packages.set_due(
            job, START + timedelta(days=1), packages=[1, 2, 4], by="ada", progress=bar
        ),
        [3],
    ),
    **{
        f"flow.quality.{name}": (partial(measure, name), [5])
        for name in ("labels", "agreement", "truth", "position_bias", "error_left", "statistics")
    },
    # five submissions
    "flow.quality.forecast": (partial(measure, "forecast"), [5]),
    "flow.quality.work": (
        lambda flow, job, bar: flow.quality.work(job.workspace, progress=bar),
        [5],
    ),
    "flow.quality.statement": (
        lambda flow, job, bar: flow.quality.statement(job.workspace, {}, progress=bar),
        [5],
    ),
    "flow.results.export": (
        lambda flow, job, bar: flow.results.export(job, "csv", io.BytesIO(), progress=bar),
        [10],
    ),
    "flow.results.to_arrow": (
        lambda flow, job, bar: flow.results.to_arrow(job, progress=bar),
        [10],
    ),
    "flow.results.snapshot": (
        lambda flow, job, bar: flow.results.snapshot(job, "first", "first.jsonl", progress=bar),
        [10],
    ),
    "maintenance.verify": (
        lambda flow, job, bar: list(maintenance.verify(flow, progress=bar)),
        [5],
    ),
    "maintenance.copy": (
        # the job's counter, its packages, tasks, assignments, answers and claim counters, the
        # template, the members and the events
        lambda flow, job, bar: maintenance.copy(flow, to=MemoryStore(), progress=bar),
        [],
    ),
    "maintenance.erase_member": (erase_member, [1]),
    "maintenance.erase_where": (
        lambda flow, job, bar: maintenance.erase_where(
            flow, "street", field="source", equals="3.jpg", by="ada", progress=bar
        ),
        [10],
    ),
}
"""Every verb that takes ``progress``: what it is called for, and the totals that it tells."""

WITH_MORE = {
    "flow.jobs.load",
    "flow.jobs.import_results",
    "flow.jobs.delete",
    "flow.jobs.prelabel",
    "flow.jobs.finish",
    "flow.jobs.archive",
    "flow.jobs.update",
    "flow.members.remove",
    "flow.members.pause",
    "maintenance.erase_member",
}
"""Those that are tried on something that is made before they are called."""


@pytest.fixture
def job(flow: Flow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job of ten tasks in five packages, all of them labeled."""
    monkeypatch.chdir(tmp_path)
    made = cats(flow, tasks=10, label=["ben"])
    for _ in range(5):
        labeled(flow, "ben", made)
    return made


def test_every_verb_with_progress_is_looked_at() -> None:
    found = {one.key for one in PUBLIC.values() if "progress" in one.parameters}
    assert found == set(LONG)


@pytest.mark.parametrize("verb", LONG)
def test_it_says_how_much_there_is_and_goes_through_all_of_it(
    flow: Flow, job: Job, verb: str
) -> None:
    if verb == "flow.results.to_arrow":
        pytest.importorskip("pyarrow")
    act, totals = LONG[verb]
    bar = Bar()
    act(flow, job, bar)
    assert bar.steps == bar.totals
    assert bar.totals == totals or not totals


@pytest.mark.parametrize("verb", LONG)
def test_what_cannot_wrap_is_refused_before_anything_is_done(
    flow: Flow, job: Job, verb: str
) -> None:
    act, _ = LONG[verb]
    before = flow.store.high_water_mark()
    bad: Any = 5
    with pytest.raises(InvalidData, match="progress"):
        act(flow, job, bad)
    assert flow.store.high_water_mark() == before or verb in WITH_MORE


def test_a_copy_counts_what_it_copies(flow: Flow, job: Job) -> None:
    bar = Bar()
    copied = maintenance.copy(flow, to=MemoryStore(), progress=bar)
    # the workspace and the job are stored when all else is there
    assert bar.totals == bar.steps == [copied - 2]


def test_a_part_is_verified_by_its_own_packages(flow: Flow, job: Job) -> None:
    bar = Bar()
    for part in flow.results.partition(job, 2):
        assert list(maintenance.verify(flow, part, progress=bar)) == []
    assert bar.steps == bar.totals
    assert sum(bar.totals) == 5


def test_rows_of_a_file_are_counted_as_they_come(flow: Flow) -> None:
    """How many a file has is known when it was read: a bar counts them, and has no end."""
    street(flow)
    seen: list[object] = []

    def watch(items: Iterable[Any]) -> Iterator[Any]:
        assert length_hint(items, -1) == -1
        seen.extend(found := list(items))
        return iter(found)

    file = io.BytesIO(b"source\n1.jpg\n2.jpg\n")
    flow.jobs.create("street", "cats", **ORDER, data=file, format="csv", progress=watch)
    assert len(seen) == 2


@pytest.mark.parametrize("rest", [3, 0])
def test_a_load_that_goes_on_counts_what_is_left(flow: Flow, rest: int) -> None:
    street(flow)
    draft = flow.jobs.create("street", "cats", **ORDER, draft=True)
    flow.jobs.load(draft, rows(4), by="ada")
    bar = Bar()
    flow.jobs.load(draft, rows(4 + rest), by="ada", progress=bar)
    assert bar.totals == bar.steps == [rest]


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_a_data_frame_has_as_many_rows_as_it_says(flow: Flow, library: str) -> None:
    frames = pytest.importorskip(library)
    columns = {"source": ["1.jpg", "2.jpg", "3.jpg"]}
    frame = frames.table(columns) if library == "pyarrow" else frames.DataFrame(columns)
    street(flow)
    bar = Bar()
    flow.jobs.create("street", "cats", **ORDER, data=frame, progress=bar)
    assert bar.totals == bar.steps == [3]


class TestExport:
    """An export goes through the tasks of the jobs; what is not meant is not counted again."""

    @pytest.mark.parametrize(
        ("how", "totals", "steps"),
        [
            ({"where": Selection(label="dog")}, [10], [0]),
            ({"since": 0}, [10], [10]),
            ({"executor": AtOnce(), "partitions": 2}, [2], [2]),
            ({"snapshot": True}, [10], [10]),
        ],
        ids=["where", "since", "executor", "snapshot"],
    )
    def test_a_selection_has_fewer_tasks_than_it_says(
        self, flow: Flow, job: Job, how: dict[str, Any], totals: list[int], steps: list[int]
    ) -> None:
        bar = Bar()
        flow.results.export(job, "jsonl", io.BytesIO(), progress=bar, **how)
        assert (bar.totals, bar.steps) == (totals, steps)

    def test_each_file_of_a_split_is_shown(self, flow: Flow, job: Job) -> None:
        bar = Bar()
        targets = {"train": io.BytesIO(), "test": io.BytesIO()}
        split = Split({"train": 0.5, "test": 0.5})
        flow.results.export(job, "csv", targets, split=split, progress=bar)
        assert bar.totals == [10, 10]
        assert sum(bar.steps) == 10

    def test_a_snapshot_has_what_was_kept(self, flow: Flow, job: Job) -> None:
        flow.results.snapshot(job, "first", "first.jsonl")
        flow.jobs.append(job, rows(3), by="ada")
        bar = Bar()
        flow.results.export(job, "csv", io.BytesIO(), snapshot="first", progress=bar)
        assert bar.totals == bar.steps == [10]

    def test_several_jobs_are_shown_as_one(self, flow: Flow, job: Job) -> None:
        other = flow.jobs.clone(job, "other", by="ada", with_data=True)
        bar = Bar()
        flow.results.export([job, other], "csv", io.BytesIO(), progress=bar)
        assert bar.totals == bar.steps == [20]


# -- what it came to: what `quality` returns are numbers, and no reports --


@pytest.mark.parametrize("verb", [verb for verb in LONG if not verb.startswith("flow.quality.")])
def test_what_it_returns_is_a_sentence_and_json(flow: Flow, job: Job, verb: str) -> None:
    if verb == "flow.results.to_arrow":
        pytest.importorskip("pyarrow")
    act, _ = LONG[verb]
    returned = act(flow, job, Bar())
    for value in returned if isinstance(returned, list) else [returned]:
        if isinstance(value, Job | Member | int | None) or verb == "flow.results.to_arrow":
            continue  # a job, a member, a number and a table of PyArrow are no reports
        sentence = str(value)
        assert re.fullmatch(r"[a-z0-9][^<>{}=\n]+[^.\n]", sentence), sentence
        assert sentence != repr(value)
        written = json.loads(json.dumps(to_json(value, flow), allow_nan=False))
        Draft202012Validator(json_schema(type(value).__name__)).validate(written)


def test_every_report_is_a_sentence(flow: Flow) -> None:
    """Whatever verbs return that is called a report, and what verifying and exporting tell of."""
    kinds = {
        kind.__name__
        for kind in public_names().values()
        if inspect.isclass(kind) and kind.__name__.endswith("Report")
    }
    silent = {
        name
        for name in {*kinds, "Snapshot", "Export", "Inconsistency"}
        if public_names()[name].__str__ is object.__str__ or name not in KINDS
    }
    assert not silent
    assert len(kinds) > 8


# -- every long verb has it --

MANY = {"data", "where", "packages", "tasks", "keys", "dry_run", "with_data", "to"}
"""What a verb takes that goes through many things."""
NOT_LONG = {
    "assignments.assign_many": "one transaction, with the packages that are named",
    "jobs.add": "one task",
    "packages.ask_again": "one transaction, with the tasks that are named",
    "reject": "one package",
}
"""Verbs that take such a thing and go through little, and why that is so."""


def test_every_verb_that_goes_through_much_has_progress() -> None:
    many = {
        path
        for path, (_, verb) in verbs().items()
        if MANY & set((signature := inspect.signature(verb)).parameters)
        # who takes one after the other wraps what they go through
        and "Iterator" not in str(signature.return_annotation)
    }
    many |= {path for path in verbs() if path.startswith("quality.")}
    assert {path for path in many if f"flow.{path}" not in LONG} == set(NOT_LONG)
