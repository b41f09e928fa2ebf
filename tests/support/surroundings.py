"""What happens around the work of a job: comments, people, templates, and other jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import rule

from itagflow import (
    Choice,
    Crew,
    FixedSize,
    Flow,
    Label,
    Role,
    Stage,
    Workflow,
    maintenance,
    templates,
)
from itagflow.model import WithdrawReport
from support.orders import PEOPLE
from support.scenes import rows
from support.walking import SideBySide

people = st.sampled_from(PEOPLE)
CATS = templates.image_classification(["cat", "dog"])
OTHER = ("street", "other")

LIVES = [
    ["load", "publish", "archive", "delete"],
    ["load", "publish", "publish", "delete", "archive"],
    ["publish", "archive", "load", "delete"],
    ["archive", "delete"],
    ["load"],
]
"""What is done with another job; which steps are refused depends on how it was made."""

HAPPENINGS: list[st.SearchStrategy[tuple[str, dict[str, Any]]]] = []
"""What may happen, each with the arguments that are drawn for it."""


def may_happen(
    times: int = 1, **drawn: st.SearchStrategy[Any]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator for what may happen, so many *times* as often as others.

    All are drawn by one rule: of rules of their own, Hypothesis leaves out most in each walk, and
    so few walks reach what takes several of them.
    """

    def note(act: Callable[..., None]) -> Callable[..., None]:
        HAPPENINGS.extend([st.tuples(st.just(act.__name__), st.fixed_dictionaries(drawn))] * times)
        return act

    return note


class Surroundings(SideBySide):
    """Everything but the work itself."""

    @may_happen(task=st.integers(1, 6), who=people, text=st.sampled_from(["why?", "a fox"]))
    def comment(self, task: int, who: str, text: str) -> None:
        self.all(lambda flow: flow.comments.add((self.job, task), text, by=who))

    @may_happen(
        number=st.integers(0, 9),
        who=people,
        fits=st.sampled_from([True, True, False]),
        text=st.sampled_from(["", "ok"]),
    )
    def go_on_with_a_thread(self, number: int, who: str, fits: bool, text: str) -> None:
        """Resolve what is open, and open again what is resolved, or the other way round."""
        if not list(self.flows[0].comments.list(self.job)):
            self.all(lambda flow: flow.comments.add((self.job, 1), "why?", by="ada"))
        threads = list(self.flows[0].comments.list(self.job))
        if not threads:
            return  # nobody may begin one: its data was erased
        place = number % len(threads)
        resolves = fits is not threads[place].is_resolved

        def act(flow: Flow) -> Any:
            thread = list(flow.comments.list(self.job))[place]
            if resolves:
                return flow.comments.resolve(thread, text=text, by=who)
            return flow.comments.reopen(thread, text=text, by=who)

        self.all(act)

    @may_happen(
        key=st.sampled_from([*Stage, *Crew]),
        who=st.lists(people, max_size=3, unique=True),
        how=st.sampled_from(["set", "add", "add", "remove"]),
    )
    def change_workforce(self, key: Stage | Crew, who: list[str], how: str) -> None:
        def act(flow: Flow) -> Any:
            if how == "set":
                return flow.jobs.set_workforce(self.job, {key: who}, by="ada")
            if how == "add":
                return flow.jobs.add_workers(self.job, key, who, by="ada")
            return flow.jobs.remove_workers(self.job, key, who, by="ada")

        self.twice(act)

    @may_happen(
        who=st.sampled_from(PEOPLE[1:]),
        role=st.sampled_from([Role.OPERATOR, Role.OPERATOR, Role.LEADER, Role.VIEWER]),
        by=st.sampled_from(["ada", "ada", "ben"]),
    )
    def set_role(self, who: str, role: Role, by: str) -> None:
        self.twice(lambda flow: flow.members.set_role("street", who, role, by=by))

    @may_happen(
        priority=st.integers(-1, 3),
        packages=st.none() | st.lists(st.integers(1, 4), max_size=2),
        by=people,
    )
    def prioritize(self, priority: int, packages: list[int] | None, by: str) -> None:
        self.twice(
            lambda flow: flow.packages.prioritize(self.job, priority, packages=packages, by=by)
        )

    @may_happen(
        scores=st.dictionaries(
            st.integers(1, 6) | st.sampled_from(["1.jpg", "new 1"]),
            st.sampled_from([0, 0.5, -1.25, 2]),
            min_size=1,
            max_size=3,
        ),
        by=people,
    )
    def prioritize_each(self, scores: dict[int | str, float], by: str) -> None:
        self.twice(lambda flow: flow.packages.prioritize(self.job, scores, by=by))

    @may_happen(
        number=st.integers(1, 3),
        keyed=st.booleans(),
        predicted=st.booleans(),
        by=st.sampled_from(["ada", "ada", "ben"]),
    )
    def add_an_item(self, number: int, keyed: bool, predicted: bool, by: str) -> None:
        data = {"source": f"{number}.jpg"}
        prediction = Choice("dog") if predicted else None

        def act(flow: Flow) -> Any:
            key = f"new {number}" if keyed else None
            return flow.jobs.add(
                self.job, data, key=key, priority=number / 2, prediction=prediction, by=by
            )

        # what has no key is something new each time
        (self.twice if keyed else self.all)(act)

    @may_happen(
        tasks=st.lists(st.integers(1, 7), max_size=2, unique=True),
        key=st.none() | st.sampled_from(["new 1", "new 2"]),
        by=st.sampled_from(["ada", "ada", "ben"]),
    )
    def withdraw(self, tasks: list[int], key: str | None, by: str) -> None:
        keys = [] if key is None else [key]
        self.twice(
            lambda flow: flow.jobs.withdraw(self.job, tasks=tasks, keys=keys, by=by),
            # it says which tasks were withdrawn before
            lambda done: WithdrawReport(skipped=len(done.tasks) + done.skipped),
        )

    @may_happen(
        who=people,
        skills=st.dictionaries(st.sampled_from(["street", "1.jpg"]), st.sampled_from([1, 60])),
    )
    def set_skills(self, who: str, skills: dict[str, float]) -> None:
        self.twice(lambda flow: flow.members.set_skills("street", who, skills, by="ada"))
        self.all(lambda flow: list(flow.jobs.blocked(self.job)))

    @may_happen(who=people, stage=st.none() | st.sampled_from(Stage), named=st.booleans())
    def claim_anything(self, who: str, stage: Stage | None, named: bool) -> None:
        """The best of all jobs, or of all stages of this one."""
        job = self.job if named else None
        self.all(lambda flow: flow.explain(who, job, stage, workspace="street"))
        taken = self.all(lambda flow: flow.claim(who, job, stage, workspace="street"))
        if taken is not None and taken.job == self.job:
            self.note(taken)

    @may_happen(packages=st.lists(st.integers(1, 4), max_size=3), to=people)
    def assign_many(self, packages: list[int], to: str) -> None:
        def act(flow: Flow) -> list[tuple[Any, str]]:
            refs = [(self.job, package) for package in packages]
            outcomes = flow.assignments.assign_many(refs, to, by="ada")
            return [(outcome.value, str(outcome.error)) for outcome in outcomes]

        for value, _ in self.all(act) or ():
            self.note(value)

    @may_happen(name=st.sampled_from(["anything goes", "not registered", None]))
    def set_validator(self, name: str | None) -> None:
        self.twice(lambda flow: flow.jobs.set_validator(self.job, name, by="ada"))

    @may_happen(name=st.sampled_from(["attic", "loft"]))
    def furnish(self, name: str) -> None:
        """Another workspace, and a template that nobody uses."""
        # what pseudonyms are made with is drawn, and so another one in each store
        self.twice(lambda flow: flow.workspaces.create("attic", admin="zoe", exist_ok=True).id)
        self.all(lambda flow: flow.workspaces.rename("attic", name, by="zoe").id)
        self.all(lambda flow: flow.workspaces.rename("loft", "attic", by="zoe").name)
        self.twice(
            lambda flow: flow.templates.add("street", CATS, name="cats", by="ada", exist_ok=True)
        )

    @may_happen(erases=st.booleans())
    def hire(self, erases: bool) -> None:
        """Somebody comes, goes, and is forgotten."""
        self.all(lambda flow: flow.members.add("street", "fay", Role.OPERATOR, by="ada"))
        self.all(lambda flow: flow.members.remove("street", "fay", by="ada"))
        if erases:
            self.all(lambda flow: maintenance.erase_member(flow, "street", "fay", by="ada"))

    @may_happen(
        times=4,
        made=st.sampled_from(["draft", "clone", "import", "refused"]),
        steps=st.sampled_from(LIVES),
        by=st.sampled_from(["ada", "ada", "ada", "ben"]),
    )
    def another_job(self, made: str, steps: list[str], by: str) -> None:
        """Another job is made, and goes: what is asked of it is no matter of the first."""
        self.all(lambda flow: self.make_another(flow, made, by))
        for step in steps:
            if step == "load":
                self.all(lambda flow: flow.jobs.load(OTHER, rows(2), by=by))
            elif step == "publish":
                self.twice(lambda flow: flow.jobs.publish(OTHER, by=by))
            elif step == "archive":
                self.twice(lambda flow: flow.jobs.archive(OTHER, by=by))
            else:
                self.all(lambda flow: flow.jobs.delete(OTHER, by=by))

    def make_another(self, flow: Flow, made: str, by: str) -> Any:
        order: dict[str, Any] = {"template": CATS, "packaging": FixedSize(2), "by": by}
        if made == "clone":
            return flow.jobs.clone(self.job, "other", by=by, with_data=True)
        if made == "refused":
            # known only when its rows were read: nobody may take the second package
            workflow = Workflow(Label(max_total=1))
            order |= {"workflow": workflow, "workforce": {Stage.LABEL: ["ben"]}}
            return flow.jobs.create("street", "other", data=rows(3), **order)
        if made == "import":
            said = {"questionId": "1", "data": "cat", "type": "survey/value"}
            data = [{**row, "label-77": {"results": [said]}} for row in rows(2)]
            return flow.jobs.import_results("street", "other", data=data, **order)
        flow.jobs.check("street", "other", data=rows(2), **order)
        return flow.jobs.create("street", "other", draft=True, **order)

    @may_happen()
    def delete_the_job(self) -> None:
        """A job that goes on cannot be deleted."""
        assert self.all(lambda flow: flow.jobs.delete(self.job, by="ada") or True) is None

    @rule(what=st.deferred(lambda: st.one_of(HAPPENINGS)))
    def something_happens(self, what: tuple[str, dict[str, Any]]) -> None:
        """One of all that may happen."""
        name, arguments = what
        getattr(self, name)(**arguments)
