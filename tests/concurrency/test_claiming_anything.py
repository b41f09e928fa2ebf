"""Many people ask for work of any job at once: nobody is given what another has, and nothing is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from support.scenes import rows, street

from itagflow import (
    Assignment,
    Field,
    FixedSize,
    Flow,
    Label,
    Stage,
    Workflow,
    maintenance,
    templates,
)

PEOPLE = ("ben", "cy", "di", "eve")


def ordered(flow: Flow, name: str, priority: int, **more: Any) -> None:
    arguments: dict[str, Any] = {
        "template": templates.image_classification(["cat", "dog"]),
        "data": rows(10),
        "packaging": FixedSize(1),
        "workforce": {Stage.LABEL: PEOPLE},
        "by": "ada",
        "priority": priority,
        **more,
    }
    flow.jobs.create("street", name, **arguments)


def claim_all(flow: Flow, member: str, token: str = "") -> list[Assignment]:
    """Everything that a member is given until there is nothing."""
    taken: list[Assignment] = []
    while True:
        assignment = flow.claim(member, token=token and f"{token}-{len(taken)}")
        if assignment is None:
            return taken
        taken.append(assignment)


def require_each_once(taken: Sequence[Assignment], expected: int) -> None:
    counts = Counter((each.job, each.package) for each in taken)
    assert max(counts.values()) == 1
    assert len(counts) == expected


def test_each_package_is_given_once(flow: Flow) -> None:
    street(flow, *PEOPLE)
    langs = [{"source": f"{n}.jpg", "lang": "de" if n % 2 else "fr"} for n in range(10)]
    for name in PEOPLE:
        flow.members.set_skills("street", name, {"lang:de": 1, "lang:fr": 1}, by="ada")
    requires = Workflow(Label(requires=Field("lang", skill="lang:{}"), limit=40))
    ordered(flow, "one", 0)
    ordered(flow, "other", 0, workflow=Workflow(Label(limit=40)))
    ordered(flow, "skilled", 1, data=langs, workflow=requires)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda name: claim_all(flow, name), PEOPLE * 2))
    require_each_once([each for some in found for each in some], 30)
    assert list(maintenance.verify(flow)) == []


def test_a_claim_sent_twice_at_once_gives_one(flow: Flow) -> None:
    street(flow, *PEOPLE)
    for name in ("one", "other", "third"):
        ordered(flow, name, 0)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda name: claim_all(flow, name, "t"), PEOPLE * 2))
    for first, again in zip(found[:4], found[4:], strict=True):
        assert {each.id for each in first} == {each.id for each in again}
    require_each_once([each for some in found[:4] for each in some], 30)
    assert list(maintenance.verify(flow)) == []


def test_a_limit_holds_over_claims_at_once(flow: Flow) -> None:
    street(flow, *PEOPLE)
    ordered(flow, "limited", 1, workflow=Workflow(Label(limit=2)))
    ordered(flow, "other", 0, workflow=Workflow(Label(limit=1)))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda name: claim_all(flow, name), PEOPLE * 2))
    taken = [each for some in found for each in some]
    assert set(Counter(each.member for each in taken).values()) == {3}
    require_each_once(taken, 12)
