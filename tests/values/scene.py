"""What verbs are tried on: a workspace with people and jobs, each part made when it is first asked for."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from support.scenes import Clock

import itagflow
from values.callables import P

PEOPLE = ("ben", "cy", "di", "eve")
"""The operators of a workspace; ada is its administrator."""
WORKFORCE = {"label": ["ben", "cy"], "inspect": ["di"], "accept": ["ada"]}
MOST_SCENES = 100
"""How many workspaces one store gets, so that reading all of it stays quick."""


def rows(count: int) -> list[dict[str, Any]]:
    shown = {"text": "a red car", "a": "yes", "b": "no"}
    return [{"data": {"source": f"{n}.jpg", **shown}} for n in range(1, count + 1)]


def region_question() -> Any:
    kind, options = P.QuestionKind, (P.Option("car"), P.Option("sign"))
    label = P.Question("1", kind.RADIO, "Kind", options, required=False)
    return P.Question(
        "1", kind.PICTURE, "Areas", children=(label,), keypoints=("nose", "tail"), required=False
    )


TEMPLATES: Mapping[str, Callable[[], Any]] = {
    "choice": lambda: P.templates.image_classification(["cat", "dog"]),
    "choices": lambda: P.templates.image_classification(["cat", "dog"], multiple=True),
    "text": lambda: P.templates.image_captioning(),
    "ranking": lambda: P.templates.preference_ranking(["a", "b"], prompt="source"),
    "rating": lambda: P.templates.dialogue_rating(["good"], dialogue="text", comment=False),
    "preference": lambda: P.templates.pairwise_preference(degrees=3, prompt="source"),
    "spans": lambda: P.templates.entity_relation(["car"], ["of"], field="text"),
    "segments": lambda: P.templates.video_segmentation(["talk"]),
    "regions": lambda: P.Template(questions=(region_question(),)),
}
"""A template for each kind of reply."""


class Scene:
    """One workspace in a store, and what belongs to it."""

    def __init__(self, stores: Stores, number: int) -> None:
        self.stores = stores
        self.flow: Any = stores.flow
        self.number = number
        self.jobs_made = 0

    @property
    def is_used(self) -> bool:
        """Whether anything of it was made."""
        return "home" in self.__dict__

    def position(self) -> int:
        """Return the position of the last event in the store: it tells whether something changed."""
        return int(self.flow.store.high_water_mark())

    # -- people --

    @cached_property
    def home(self) -> Any:
        home = self.flow.workspaces.create(f"street-{self.number}", admin="ada")
        for account in PEOPLE:
            self.flow.members.add(home, account, "operator", by="ada", groups=["night"])
        # what rows are about, whatever field names the skill
        skills = {f"about {value}": 2 for value in ("a red car", "yes", "no")}
        for account in ("ada", *PEOPLE):
            self.flow.members.set_skills(home, account, skills, by="ada")
        return home

    @cached_property
    def ben(self) -> Any:
        return self.flow.members.get(self.home, "ben")

    @cached_property
    def removed(self) -> Any:
        """A member who was removed."""
        self.flow.members.add(self.home, "zoe", "operator", by="ada")
        return self.flow.members.remove(self.home, "zoe", by="ada")

    @cached_property
    def other_home(self) -> Any:
        """Another workspace."""
        return self.flow.workspaces.create(f"other-{self.number}", admin="olga")

    # -- jobs --

    def new_job(self, kind: str = "choice", **more: Any) -> Any:
        """Return a new job; a running one unless *more* says otherwise."""
        self.jobs_made += 1
        arguments = {
            "template": TEMPLATES[kind](),
            "data": rows(4),
            "workflow": P.Workflow(P.Label(), P.Inspect(), P.Accept()),
            "packaging": P.FixedSize(2),
            "workforce": WORKFORCE,
            "by": "ada",
        } | more
        name = f"{kind}-{self.number}-{self.jobs_made}"
        return self.flow.jobs.create(self.home, name, **arguments)

    @cached_property
    def job(self) -> Any:
        """A running job of two packages with two tasks each."""
        return self.new_job()

    @cached_property
    def keyed(self) -> Any:
        """A job whose rows have keys."""
        return self.new_job(row_key="source")

    @cached_property
    def keyed_and_ended(self) -> Any:
        """One on whose first package no work is to come."""
        job = self.new_job(row_key="source")
        self.flow.packages.discard((job.id, 1), by="ada")
        return job

    @cached_property
    def paused(self) -> Any:
        return self.flow.jobs.pause(self.job, by="ada")

    @cached_property
    def draft(self) -> Any:
        """A job without data that was not published."""
        return self.new_job(data=None, draft=True)

    @cached_property
    def loaded(self) -> Any:
        """A job with data that was not published."""
        return self.new_job(draft=True)

    @cached_property
    def finished(self) -> Any:
        """A job that has finished: ben has labeled its two packages."""
        job = self.new_job(workflow=P.Workflow(P.Label()), workforce={"label": ["ben"]})
        for _ in range(2):
            assignment = self.flow.claim("ben", job, "label")
            answers = [(item, P.Choice("cat")) for item in self.flow.tasks(assignment)]
            self.flow.save_many(assignment, answers)
            self.flow.submit(assignment)
        return job

    @cached_property
    def other_job(self) -> Any:
        """A job of another workspace."""
        return self.flow.jobs.create(
            self.other_home,
            f"far-{self.number}",
            template=TEMPLATES["choice"](),
            data=rows(1),
            by="olga",
        )

    @cached_property
    def package(self) -> Any:
        return self.flow.packages.get((self.job.id, 1))

    @cached_property
    def comment(self) -> Any:
        """The first entry of a thread."""
        return self.flow.comments.add((self.job, 1), "is this a cat?", by="ada")

    # -- assignments --

    @cached_property
    def held(self) -> Any:
        """An assignment at LABEL that ben holds; its first task is answered."""
        assignment = self.flow.claim("ben", self.job, "label")
        self.flow.save(assignment, 1, P.Choice("cat"))
        return assignment

    @cached_property
    def complete(self) -> Any:
        """An assignment at LABEL that ben can submit."""
        self.flow.save(self.held, 2, P.Choice("dog"))
        return self.held

    @cached_property
    def abandoning(self) -> Any:
        """An assignment at LABEL whose first task is abandoned."""
        self.flow.abandon(self.held, 1, "too dark")
        return self.held

    @cached_property
    def handing(self) -> Any:
        """An assignment at LABEL that ben holds, in a job with an expert."""
        workforce = {"label": ["ben"], "inspect": ["di"], "accept": ["ada"], "experts": ["eve"]}
        job = self.new_job(workforce=workforce)
        return self.flow.claim("ben", job, "label")

    @cached_property
    def deciding(self) -> Any:
        """An assignment that eve holds as an expert, on a task that was answered before."""
        self.flow.save(self.handing, 1, P.Choice("dog"))
        self.flow.escalate(self.handing, 1)
        return self.flow.claim("eve", self.flow.jobs.get(self.handing.job), "label")

    @cached_property
    def voted(self) -> Any:
        """A job with two votes, and three members who may give them."""
        workforce = {"label": ["ben", "cy", "eve"], "inspect": ["di"]}
        workflow = P.Workflow(P.Label(votes=2), P.Inspect())
        return self.new_job(workflow=workflow, workforce=workforce)

    @cached_property
    def inspected(self) -> Any:
        """An assignment at INSPECT that di holds."""
        self.flow.submit(self.complete)
        return self.flow.claim("di", self.job, "inspect")

    @cached_property
    def inspected_with_reasons(self) -> Any:
        """An assignment that di holds at an INSPECT with reasons to judge a task wrong."""
        rule = P.Inspect(reasons=["small"])
        job = self.new_job(workflow=P.Workflow(P.Label(), rule, P.Accept()))
        assignment = self.flow.claim("ben", job, "label")
        for number in (1, 2):
            self.flow.save(assignment, number, P.Choice("cat"))
        self.flow.submit(assignment)
        return self.flow.claim("di", job, "inspect")

    @cached_property
    def planned(self) -> Any:
        """An assignment that di holds at an INSPECT where an acceptance plan decides."""
        rule = P.Inspect(plan=P.SinglePlan(1, 0))
        job = self.new_job(workflow=P.Workflow(P.Label(), rule, P.Accept()))
        assignment = self.flow.claim("ben", job, "label")
        for number in (1, 2):
            self.flow.save(assignment, number, P.Choice("cat"))
        self.flow.submit(assignment)
        return self.flow.claim("di", job, "inspect")

    @cached_property
    def in_lots(self) -> Any:
        """A job whose first package is a lot that has closed."""
        rule = P.Accept(plan=P.SinglePlan(1, 0), lot=P.Lot(packages=1))
        workforce = {"label": ["ben"], "accept": ["ada"]}
        job = self.new_job(workflow=P.Workflow(P.Label(), rule), workforce=workforce)
        assignment = self.flow.claim("ben", job, "label")
        for item in self.flow.tasks(assignment):
            self.flow.save(assignment, item, P.Choice("cat"))
        self.flow.submit(assignment)
        return job

    @cached_property
    def lot(self) -> Any:
        """The lot of that job."""
        return self.flow.lots.get(self.in_lots, 1)

    @cached_property
    def accepted(self) -> Any:
        """An assignment at ACCEPT that ada holds."""
        self.flow.review(self.inspected)
        return self.flow.claim("ada", self.job, "accept")

    @cached_property
    def discarded(self) -> Any:
        """A package that was discarded."""
        return self.flow.packages.discard((self.job.id, 2), by="ada")

    @cached_property
    def item(self) -> Any:
        return next(iter(self.flow.tasks(self.held)))

    @cached_property
    def answering(self) -> dict[str, Any]:
        """The assignments that `answer` saves in, by the kind of reply."""
        return {}

    def answer(self, kind: str, reply: object) -> None:
        """Save a reply in a job whose template asks for this kind."""
        if kind not in self.answering:
            workflow = P.Workflow(P.Label())
            job = self.new_job(kind, workflow=workflow, workforce={"label": ["ben"]}, data=rows(1))
            self.answering[kind] = self.flow.claim("ben", job, "label")
        self.flow.save(self.answering[kind], 1, reply)

    @cached_property
    def exported(self) -> bytes:
        """A manifest with results."""
        target = io.BytesIO()
        self.flow.submit(self.complete)
        self.flow.results.export(self.job, "itag", target)
        return target.getvalue()

    @cached_property
    def results(self) -> list[Any]:
        return list(self.flow.results.list(self.job))

    # -- elsewhere --

    @property
    def folder(self) -> Path:
        return self.stores.folder

    def new_path(self, ending: str = "") -> Path:
        """Return a path where nothing is."""
        self.stores.paths += 1
        return self.folder / f"new-{self.stores.paths}{ending}"

    def work_through(self, job: Any) -> None:
        """Do the work of a job as far as it goes: what its rules and its template say is used."""
        flow = self.flow
        for member, stage in (
            ("ben", "label"),
            ("cy", "label"),
            ("di", "inspect"),
            ("ada", "accept"),
        ):
            if not job.workflow.has(P.Stage(stage)):
                continue
            assignment = flow.claim(member, job, stage)
            if assignment is None:
                continue
            items = list(flow.tasks(assignment))
            rule = job.workflow.review(stage)
            if rule is not None and rule.plan is not None:
                for item in items:
                    flow.judge(assignment, item)
                flow.plan_verdict(assignment)
            elif stage == "inspect" and items:
                reason = rule.reasons[0] if rule and rule.reasons else None
                flow.judge(assignment, items[0], wrong="look again", reason=reason)
                flow.reject(assignment)
            elif stage == "accept":
                flow.accept(assignment)
            else:
                flow.save_many(assignment, [(item, P.Choice("cat")) for item in items])
                flow.submit(assignment)


class Stores:
    """Open stores of one kind, one after the other; a store is left once something in it cannot be read."""

    def __init__(self, kind: str, new_url: Callable[[], str], folder: Path) -> None:
        self.kind, self.folder = kind, folder
        self.new_url = new_url
        self.scenes = self.opened = self.paths = 0
        self.flow: Any = None
        self.url = ""
        self.more = list[Any]()

    def keep(self, store: Any) -> Any:
        """Return another store, which is closed with this one."""
        self.more.append(store)
        return store

    def scene(self) -> Scene:
        """Return a new workspace, in a new store when the present one has many or is closed."""
        if self.flow is None or self.flow.store.is_closed or self.scenes % MOST_SCENES == 0:
            self.leave()
            self.url = self.new_url()
            self.flow = itagflow.open(self.url, clock=Clock(), validators={"all": lambda *_: ()})
            self.opened += 1
        self.scenes += 1
        return Scene(self, self.scenes)

    def leave(self) -> None:
        """Close the store: the next workspace gets another."""
        for store in self.more:
            store.close(timeout=1.0)
        self.more.clear()
        if self.flow is not None:
            self.flow.close(timeout=1.0)
            self.flow = None


SOON = timedelta(hours=1)
