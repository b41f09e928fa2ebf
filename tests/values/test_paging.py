"""Every list takes `limit=` and `after=`; the pages put together are the whole."""

from __future__ import annotations

import inspect
import io
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.foreigners import a_town, public_verbs
from support.naming import describe
from support.scenes import cats, labeled, rows, taken

import itagflow
from itagflow import (
    Accept,
    Choice,
    Flow,
    InvalidData,
    Label,
    NotFound,
    Role,
    Workflow,
    templates,
)
from itagflow.core.lookup import LEAST_PAGE, Page
from itagflow.model import Lot
from itagflow.quality import SinglePlan

CATS = templates.image_classification(["cat", "dog"])
Lister = Callable[..., Iterator[Any]]


@attrs.frozen
class Listing:
    """A list, and what can be passed as *after* for one of its entities."""

    call: Callable[[Flow], Lister]
    keys: tuple[Callable[[Any], Any], ...]


def partial_of(name: str, *args: Any, **more: Any) -> Callable[[Flow], Lister]:
    def bind(flow: Flow) -> Lister:
        verb: Any = flow
        for part in name.split("."):
            verb = getattr(verb, part)
        return lambda **page: verb(*args, **more, **page)

    return bind


LISTS = {
    "workspaces.list": Listing(
        partial_of("workspaces.list"), (lambda w: w, lambda w: w.id, lambda w: w.name)
    ),
    "members.list": Listing(
        partial_of("members.list", "street"), (lambda m: m, lambda m: m.id, lambda m: m.account)
    ),
    "templates.list": Listing(
        partial_of("templates.list", "street"), (lambda t: t, lambda t: t.id, lambda t: t.name)
    ),
    "jobs.list": Listing(
        partial_of("jobs.list", "street"),
        (lambda j: j, lambda j: j.id, lambda j: j.name, lambda j: ("street", j.name)),
    ),
    "jobs.blocked": Listing(
        partial_of("jobs.blocked", "stuck"), (lambda b: b, lambda b: b.package)
    ),
    "lots.list": Listing(
        partial_of("lots.list", "lots"), (lambda lot: lot, lambda lot: lot.number)
    ),
    "packages.list": Listing(
        partial_of("packages.list", "cats"),
        (lambda p: p, lambda p: p.number, lambda p: p.key, lambda p: ("cats", p.number)),
    ),
    "assignments.list": Listing(
        partial_of("assignments.list", "ben", live=False), (lambda a: a, lambda a: a.key)
    ),
    "comments.list": Listing(partial_of("comments.list", "cats"), (lambda thread: thread,)),
    "results.list": Listing(
        partial_of("results.list", "cats"),
        (lambda r: r, lambda r: r.task, lambda r: r.task.number, lambda r: ("cats", r.task.number)),
    ),
    "results.find": Listing(
        partial_of("results.find", "cats", label="cat"), (lambda r: r, lambda r: r.task.number)
    ),
    "results.rows": Listing(
        partial_of("results.rows", "cats"), (lambda row: row, lambda row: row["task"])
    ),
    "results.votes": Listing(partial_of("results.votes", "polled"), (lambda row: row,)),
    "results.exports": Listing(
        partial_of("results.exports", "cats"), (lambda e: e, lambda e: e.position)
    ),
    "results.snapshots": Listing(
        partial_of("results.snapshots", "cats"), (lambda s: s, lambda s: s.name)
    ),
    "events.list": Listing(partial_of("events.list", "cats"), (lambda e: e, lambda e: e.position)),
    "events.since": Listing(partial_of("events.since"), (lambda e: e, lambda e: e.position)),
}
NO_LISTS = {
    "available": "what is there now changes with every claim: it is asked again",
    "tasks": "an assignment is worked on as a whole",
    "events.follow": "it never ends",
    "results.follow": "it never ends",
    "maintenance.verify": "it checks, and lists nothing that is stored",
}


def fill(flow: Flow) -> None:
    """Something of every kind, more than one small page of it."""
    job = cats(flow, tasks=7, size=2, label=["ben", "cy"])
    for name in ("alley", "lane"):
        flow.workspaces.create(name, admin="ada")
        flow.members.add(name, "ben", Role.OPERATOR, by="ada")
    for number in range(3):
        flow.templates.add("street", CATS, name=f"t{number}", by="ada")
        flow.jobs.create("street", f"j{number}", template=f"t{number}", data=rows(1), by="ada")
    flow.jobs.create(
        "lane", "birds", template=CATS, data=rows(2), workforce={"label": ["ben"]}, by="ada"
    )
    taken(flow, "ben", flow.jobs.get("birds"))
    for name in ("birds", "cats", "cats", "cats"):
        flow.results.export(name, "csv", io.BytesIO())
    with tempfile.TemporaryDirectory() as folder:
        for name, of in (("of birds", "birds"), ("a", "cats"), ("c", "cats"), ("b", "cats")):
            flow.results.snapshot(of, name, Path(folder, f"{name}.jsonl"))
    for number in (1, 1, 3):
        flow.comments.add((job, number), f"about {number}", by="ada")
        flow.comments.add((job, number), "more", by="ada")
    polled = flow.jobs.create(
        "street",
        "polled",
        template=CATS,
        data=rows(2),
        workflow=Workflow(Label(votes=2, on_dispute="keep")),
        workforce={"label": ["ben", "cy"]},
        by="ada",
    )
    for name in ("ben", "cy"):
        labeled(flow, name, polled)
    stick(flow)
    gather(flow)
    labeled(flow, "ben", job)
    labeled(flow, "cy", job, "dog")
    held = taken(flow, "ben", job)
    flow.save(held, 5, Choice("cat"))
    flow.release(held)
    labeled(flow, "ben", job)


def stick(flow: Flow) -> None:
    """A job of which a member who is away holds three packages, without a lease."""
    flow.members.add("street", "eve", Role.OPERATOR, by="ada")
    stuck = flow.jobs.create(
        "street",
        "stuck",
        template=CATS,
        data=rows(3),
        workflow=Workflow(Label(lease=None)),
        packaging=itagflow.FixedSize(1),
        workforce={"label": ["eve"]},
        by="ada",
    )
    for _ in range(3):
        taken(flow, "eve", stuck)
    flow.members.pause("street", "eve", by="ada")


def gather(flow: Flow) -> None:
    """A job of which three packages are lots that have closed."""
    gathering = flow.jobs.create(
        "street",
        "lots",
        template=CATS,
        data=rows(3),
        workflow=Workflow(Label(), Accept(plan=SinglePlan(1, 0), lot=Lot(packages=1))),
        packaging=itagflow.FixedSize(1),
        workforce={"label": ["ben"], "accept": ["ada"]},
        by="ada",
    )
    for _ in range(3):
        labeled(flow, "ben", gathering)


@pytest.fixture(scope="module")
def street() -> Iterator[Flow]:
    with itagflow.open("memory:") as flow:
        fill(flow)
        yield flow


def test_every_list_is_here_and_takes_both() -> None:
    """By inspection: whatever yields what is stored."""
    verbs = public_verbs()
    lists = {
        name
        for name, verb in verbs.items()
        if str(inspect.signature(verb).return_annotation).startswith("Iterator[")
    }
    assert lists - NO_LISTS.keys() == LISTS.keys()
    assert NO_LISTS.keys() <= lists
    for name in LISTS:
        parameters = inspect.signature(verbs[name]).parameters
        assert {"limit", "after"} <= parameters.keys(), name
        assert parameters["limit"].kind is inspect.Parameter.KEYWORD_ONLY
        assert parameters["limit"].default is None


def pages(lister: Lister, sizes: Iterator[int], key: Callable[[Any], Any]) -> list[Any]:
    """All of a list, page by page."""
    found, after = list[Any](), dict[str, Any]()
    while True:
        size = next(sizes)
        page = list(lister(limit=size, **after))
        if not page:
            return found
        assert len(page) <= size
        found += page
        after = {"after": key(page[-1])}


@pytest.mark.parametrize("name", LISTS)
def test_pages_are_the_whole_on_every_store(name: str, flow: Flow) -> None:
    fill(flow)
    listing = LISTS[name]
    lister = listing.call(flow)
    whole = list(lister())
    assert len(whole) > 2
    for key in listing.keys:
        for size in (1, 2, len(whole)):
            assert pages(lister, iter([size] * (len(whole) + 2)), key) == whole
    assert list(lister(limit=len(whole) + 1)) == whole
    assert list(lister(after=listing.keys[0](whole[-1]))) == []


@pytest.mark.parametrize("name", LISTS)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=25)
def test_pages_of_any_sizes_are_the_whole(street: Flow, name: str, seed: int) -> None:
    chance, listing = random.Random(seed), LISTS[name]
    lister = listing.call(street)
    sizes = iter(lambda: chance.randint(1, 4), 0)
    found = pages(lister, sizes, lambda last: chance.choice(listing.keys)(last))
    assert found == list(lister())


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("limit", [0, -1, True, 1.0, "2", 2**63], ids=describe)
def test_a_limit_is_a_whole_number_from_1(street: Flow, name: str, limit: Any) -> None:
    with pytest.raises(InvalidData, match="the list: limit: must be"):
        LISTS[name].call(street)(limit=limit)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    "after", [1.5, True, "typo", 2**70, 999_999, (1, 2, 3), object()], ids=describe
)
def test_what_the_list_does_not_have_is_not_found(street: Flow, name: str, after: Any) -> None:
    if name.startswith("events") or name == "results.exports":
        if type(after) is int and after < 2**63:
            assert list(LISTS[name].call(street)(after=after)) == [], "a position is a place"
            return
        wanted: type[Exception] = InvalidData
    else:
        wanted = NotFound
    with pytest.raises(wanted):
        LISTS[name].call(street)(after=after)


def test_what_belongs_elsewhere_is_not_found(flow: Flow) -> None:
    fill(flow)
    birds = flow.jobs.get("birds")
    away = {
        "members.list": [flow.members.get("lane", "ben"), flow.members.get("lane", "ben").id],
        "templates.list": [flow.templates.get("birds")],
        "jobs.list": [birds, birds.id, "birds", ("lane", "birds")],
        "packages.list": [next(flow.packages.list(birds)), (birds.id, 1), ("birds", 1)],
        "assignments.list": [next(flow.assignments.list("cy", live=False))],
        "results.list": [next(flow.results.list(birds)), ("birds", 1)],
        "results.find": [next(flow.results.list(birds)).task],
        "results.rows": [next(flow.results.list(birds))],
        "results.votes": [next(flow.results.list(birds))],
        "results.exports": [next(flow.results.exports(birds))],
        "results.snapshots": [next(flow.results.snapshots(birds)), "of birds"],
        "events.list": [next(flow.events.list(birds))],
    }
    for name, others in away.items():
        for other in others:
            with pytest.raises(NotFound):
                LISTS[name].call(flow)(after=other)
    for event in flow.events.since(workspace="lane"):
        with pytest.raises(NotFound):
            flow.events.since(workspace="street", after=event)


def test_a_list_goes_on_behind_a_job_that_was_deleted(flow: Flow) -> None:
    fill(flow)
    first, second, *_, third, fourth = flow.jobs.list("street")
    for job in (first, second):
        flow.jobs.archive(job, by="ada")
        flow.jobs.delete(job, by="ada")
        for after in (job, job.id):
            assert list(flow.jobs.list("street", after=after))[-2:] == [third, fourth]
            with pytest.raises(NotFound):
                flow.jobs.list("lane", after=after)
        with pytest.raises(NotFound):
            flow.jobs.list("street", after=job.name)


def test_a_list_goes_on_behind_an_assignment_that_has_ended(flow: Flow) -> None:
    job = cats(flow)
    first, second = (taken(flow, "ben", job) for _ in range(2))
    assert list(flow.assignments.list("ben", limit=1)) == [first]
    flow.release(first)
    assert list(flow.assignments.list("ben", after=first)) == [second]


def test_what_is_added_or_leaves_meanwhile_shifts_nothing(flow: Flow) -> None:
    job = cats(flow, tasks=6, size=1)
    found = list(flow.packages.list(job, state="label", limit=2))
    labeled(flow, "ben", job)
    flow.jobs.append(job, rows(2), by="ada")
    found += flow.packages.list(job, state="label", after=found[-1])
    assert [package.number for package in found] == list(range(1, 9))


@pytest.mark.parametrize("name", LISTS)
def test_a_member_gets_pages_of_what_they_may_see(name: str) -> None:
    with itagflow.open("memory:") as flow:
        a_town(flow)
        for by in ("ben", "eve", "lea"):
            more = {"workspace": "street"} if name == "events.since" else {}
            lister = partial_of(name, *_street_arguments(name), by=by, **more)(flow)
            try:
                whole = list(lister())
            except itagflow.NotAllowed:
                with pytest.raises(itagflow.NotAllowed):
                    list(lister(limit=1))
                continue
            ones = iter(lambda: 1, 0)
            assert pages(lister, ones, LISTS[name].keys[0]) == whole


def _street_arguments(name: str) -> tuple[Any, ...]:
    if name == "workspaces.list":
        return ()
    if name in ("members.list", "templates.list", "jobs.list"):
        return ("street",)
    if name == "events.since":
        return ()
    return ("ben",) if name == "assignments.list" else ("cats",)


def test_a_page_reads_no_more_than_it_needs(flow: Flow) -> None:
    job = cats(flow, tasks=3 * LEAST_PAGE, size=1)
    parts = flow.results.partition(job, 3)
    assert [r.task.number for r in flow.results.list(parts[1], limit=2)] == [51, 52]
    assert [r.task.number for r in flow.results.list(parts[1], after=99)] == [100]
    assert list(flow.results.list(parts[0], after=60)) == []
    assert len(list(flow.results.list(job, limit=LEAST_PAGE + 7))) == LEAST_PAGE + 7


def test_what_is_cut_is_closed_at_its_end() -> None:
    """Also while somebody keeps the page: behind it may be a transaction."""
    closed = list[bool]()

    def numbers() -> Iterator[int]:
        try:
            yield from range(9)
        finally:
            closed.append(True)

    page = Page(limit=2).cut(numbers())
    assert list(page) == [0, 1]
    assert closed == [True]
    assert list(page) == []
