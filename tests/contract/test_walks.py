"""Random histories over all stores and a plain one: no difference, no broken invariant, and the replay agrees."""

from __future__ import annotations

import hashlib
import io
import itertools
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import initialize
from support import postgres
from support.increments import Copy
from support.orders import PEOPLE, accepts, crews, inspects, labels, packagings
from support.scenes import rows
from support.surroundings import Surroundings, may_happen
from support.walk_steps import WALKS, follow
from support.walking import CALLED, CHECKED, CHECKS, DONE, counting, find_verbs

from itagflow import (
    Accept,
    AssignmentState,
    Choice,
    Crew,
    Flow,
    GroupByField,
    Inspect,
    Label,
    PreLabel,
    Role,
    Selection,
    Stage,
    Text,
    Workflow,
    maintenance,
    templates,
)
from itagflow.model import OnDispute, OnOverdue
from itagflow.templates import (
    AddOption,
    AddQuestion,
    DropOption,
    DropQuestion,
    Question,
    QuestionKind,
)

EXAMPLES = int(os.environ.get("ITAGFLOW_WALKS", "10"))
NO_ASSIGNMENT = (1, 1)
"""What acts are refused about, where there is none."""
SKILLS = {f"{number}.jpg": 60 for number in range(1, 6)}
"""What everybody can do, until somebody says otherwise."""
people = st.sampled_from(PEOPLE)
stages = st.sampled_from(Stage)
anything = st.integers(0, 10_000)
words = st.sampled_from(["cat", "dog", "bird"])

SELECTIONS = [
    Selection(),
    Selection(label="cat"),
    Selection(member="ben"),
    Selection(package=1),
    Selection(guideline_version=0),
    Selection(field={"source": "2.jpg"}),
    Selection(state="abandoned"),
]
"""What campaigns open again."""


PASS = {Stage.LABEL: "submit", Stage.INSPECT: "review", Stage.ACCEPT: "accept"}
NOTE = Question("2", QuestionKind.INPUT, "Note", required=False)
STEPS: dict[Any, Callable[[Any], Any]] = {
    AddOption("1", "bird"): lambda said: said,
    DropOption("1", "bird"): lambda said: said,
    DropOption("1", "bird", to="dog"): lambda said: (
        said | ({"1": Choice("dog")} if said["1"] == Choice("bird") else {})
    ),
    AddQuestion(NOTE): lambda said: said,
    AddQuestion(NOTE, reply=Text("old")): lambda said: {**said, "2": Text("old")},
    DropQuestion("2"): lambda said: {"1": said["1"]},
}
"""Changes of the template, and what each makes of the replies that were there."""


class Walk(Surroundings):
    """Every verb, by anybody, at any time; what is refused must be refused by all, in the same words."""

    def assignment(self, number: int, *stages: Stage) -> tuple[int, int]:
        """One of the assignments: mostly one that is held there, so that fewer calls are refused.

        Asked before an act, and not by it: on the store that is asked, the act changes the answer.
        """
        stages = stages or tuple(Stage)
        if number % 4 or not self.assignments:
            held = [key for key in self.assignments if self._is_held(key, stages)]
            among = held or self._take_one(stages) or self.assignments
        else:
            among = self.assignments
        return among[number // 4 % len(among)] if among else NO_ASSIGNMENT

    def _take_one(self, stages: tuple[Stage, ...]) -> list[tuple[int, int]]:
        """Claim something at one of these stages, for whoever gets it; label it first if need be."""
        for _ in range(2):
            for stage, who in itertools.product(stages, PEOPLE):
                taken = self.all(lambda flow, at=(who, self.job, stage): flow.claim(*at))
                if taken is not None:
                    self.note(taken)
                    return [taken.key]
            if Stage.LABEL in stages:
                break
            any(self._do_an_assignment(who, Stage.LABEL, "dog", "pass") for who in PEOPLE)
        return []

    def _is_held(self, key: tuple[int, int], stages: tuple[Stage, ...]) -> bool:
        found = self.flows[0].assignments.get(key)
        return found.state is AssignmentState.HELD and found.stage in stages

    @initialize(
        label=labels,
        inspect=inspects,
        accept=accepts,
        packaging=packagings,
        seed=anything,
        crew=crews,
    )
    def order(
        self,
        label: Label,
        inspect: Inspect | None,
        accept: Accept | None,
        packaging: Any,
        seed: int,
        crew: dict[Crew, tuple[str, ...]],
    ) -> None:
        keeps = label.on_dispute is OnDispute.KEEP
        if label.votes > 1 and not inspect and not accept and not keeps:
            inspect = Inspect()
        if accept and accept.reject_to is Stage.INSPECT and not inspect:
            accept = Accept()
        if label.on_overdue is OnOverdue.ESCALATE:
            crew = {Crew.EXPERTS: PEOPLE, **crew}
        if label.requires:
            packaging = GroupByField("source")
        workflow = Workflow(*(part for part in (label, inspect, accept) if part))

        def hire(flow: Flow) -> None:
            home = flow.workspaces.create("street", admin="ada")
            for name in PEOPLE[1:]:
                flow.members.add(
                    home, name, Role.ANNOTATION_ADMIN if name == "di" else Role.OPERATOR, by="ada"
                )
                flow.members.set_skills(home, name, SKILLS, by="ada")

        def begin(flow: Flow, workflow: Workflow) -> int:
            return flow.jobs.create(
                "street",
                "walk",
                template=templates.image_classification(["cat", "dog"]),
                data=rows(5),
                workflow=workflow,
                packaging=packaging,
                workforce={**dict.fromkeys(workflow.stages, PEOPLE), **crew},
                seed=seed,
                by="ada",
            ).id

        self.all(hire)
        # what can never be finished by so few people is refused, and a simpler one ordered
        simpler = Workflow(label, Inspect(allow_own_work=True))
        for one in (workflow, simpler, Workflow(label, Inspect())):
            self.job = self.job or self.all(lambda flow, one=one: begin(flow, one)) or 0
        assert self.job

    @may_happen(who=people, votes=st.sampled_from([1, 2, 2, 3, 9]))
    def raise_votes(self, who: str, votes: int) -> None:
        def update(flow: Flow) -> Any:
            flow_now = flow.jobs.get(self.job).workflow
            label = attrs.evolve(flow_now.label, votes=votes, on_dispute="keep")
            others = (flow_now.inspect, flow_now.accept)
            workflow = Workflow(label, *(part for part in others if part))
            return flow.jobs.update(self.job, workflow=workflow, by=who)

        self.twice(update)

    @may_happen(times=2, who=people, stage=stages, token=st.sampled_from(["", "", "", "t1", "t2"]))
    def claim(self, who: str, stage: Stage, token: str) -> None:
        assignment = self.all(lambda flow: flow.claim(who, self.job, stage, token=token))
        self.all(lambda flow: flow.explain(who, self.job, stage))
        self.note(assignment)

    @may_happen(
        who=people, stage=stages, package=st.none() | st.integers(1, 4), resume=st.booleans()
    )
    def claim_one(self, who: str, stage: Stage, package: int | None, resume: bool) -> None:
        """One package, or what is held already."""
        assignment = self.all(
            lambda flow: flow.claim(who, self.job, stage, package=package, resume=resume)
        )
        self.note(assignment)

    @may_happen(who=people, pause=st.booleans(), hours=st.none() | st.integers(1, 9))
    def pause_or_resume(self, who: str, pause: bool, hours: int | None) -> None:
        until = None if hours is None else self.clock() + timedelta(hours=hours)
        if pause:
            self.twice(lambda flow: flow.members.pause("street", who, until=until, by="ada"))
        else:
            self.twice(lambda flow: flow.members.resume("street", who, by="ada"))
        self.all(lambda flow: list(flow.jobs.blocked(self.job)))

    @may_happen(hours=st.none() | st.integers(0, 9))
    def close(self, hours: int | None) -> None:
        closes_at = None if hours is None else self.clock() + timedelta(hours=hours)
        self.twice(lambda flow: flow.jobs.update(self.job, closes_at=closes_at, by="ada"))

    @may_happen(assignment=anything, task=st.integers(1, 6), word=words, by=st.none() | people)
    def save(self, assignment: int, task: int, word: str, by: str | None) -> None:
        key = self.assignment(assignment)
        said = self.twice(lambda flow: flow.save(key, task, {"1": Choice(word)}, by=by))
        self._note_answer(said)

    @may_happen(
        assignment=anything,
        task=st.integers(1, 6),
        word=words,
        expected=st.integers(0, 3),
        seconds=st.none() | st.sampled_from([0, 30, 900]),
    )
    def save_what_was_read(
        self, assignment: int, task: int, word: str, expected: int, seconds: float | None
    ) -> None:
        key = self.assignment(assignment)
        said = self.twice(
            lambda flow: flow.save(
                key, task, {"1": Choice(word)}, expected_version=expected, seconds=seconds,
                score=0.5, model="vit",
            )
        )  # fmt: skip
        self._note_answer(said)

    @may_happen(
        assignment=anything,
        task=st.integers(1, 6),
        word=words | st.none(),
        seconds=st.none() | st.sampled_from([0, 30]),
    )
    def save_a_draft(
        self, assignment: int, task: int, word: str | None, seconds: float | None
    ) -> None:
        key, replies = self.assignment(assignment), {} if word is None else {"1": Choice(word)}
        self.twice(lambda flow: flow.save(key, task, replies, draft=True, seconds=seconds))

    @may_happen(assignment=anything, seconds=st.sampled_from([0, 30]))
    def submit_without_drafts(self, assignment: int, seconds: float) -> None:
        key = self.assignment(assignment)
        self.twice(lambda flow: flow.submit(key, ignore_drafts=True, seconds=seconds))

    @may_happen(assignment=anything, task=st.integers(1, 6), number=anything, by=st.none() | people)
    def restore_a_version(self, assignment: int, task: int, number: int, by: str | None) -> None:
        key = self.assignment(assignment)
        task = self._task_of(key, task)
        versions = self.all(lambda flow: flow.results.versions(self.job, task))
        if not versions:
            return
        version = versions[number % len(versions)]
        said = self.twice(lambda flow: flow.results.restore_version(key, task, version, by=by))
        self._note_answer(said)

    @may_happen(
        package=st.integers(1, 4),
        minutes=st.none() | st.sampled_from([-5, 5, 5, 20]),
        by=st.sampled_from(["ada", "ada", "ben"]),
    )
    def set_due(self, package: int, minutes: int | None, by: str) -> None:
        due = None if minutes is None else self.clock() + timedelta(minutes=minutes)
        self.twice(lambda flow: flow.packages.set_due(self.job, due, packages=[package], by=by))

    @may_happen(by=st.none() | st.sampled_from(["ada", "ben"]))
    def tick(self, by: str | None) -> None:
        self.all(lambda flow: flow.tick(job=self.job, by=by))
        overdue = [
            [each.number for each in flow.packages.list(self.job, overdue=True)]
            for flow in self.flows
        ]
        assert overdue == overdue[:1] * len(overdue)

    @may_happen(text=st.sampled_from(["look", "look twice"]), by=people, acknowledge=st.booleans())
    def write_a_guideline(self, text: str, by: str, acknowledge: bool) -> None:
        self.twice(lambda flow: flow.jobs.update(self.job, guideline=text, by=by))
        for who in PEOPLE if acknowledge else PEOPLE[:1]:
            self.twice(lambda flow, who=who: flow.acknowledge(who, self.job))

    @may_happen(
        times=2, assignment=anything, word=st.sampled_from(["cat", "dog"]), submit=st.booleans()
    )
    def answer_all(self, assignment: int, word: str, submit: bool) -> None:
        key = self.assignment(assignment)
        self._answer_all(key, word)
        if submit:
            self.twice(lambda flow: flow.submit(key))

    @may_happen(
        times=2,
        who=people,
        stage=stages,
        word=st.sampled_from(["cat", "dog"]),
        verb=st.sampled_from(["pass", "pass", "reject", "keep"]),
    )
    def do_an_assignment(self, who: str, stage: Stage, word: str, verb: str) -> None:
        """Claim and work on at once, so that walks get far."""
        self._do_an_assignment(who, stage, word, verb)

    @may_happen(
        times=5,
        order=st.permutations(PEOPLE),
        word=st.sampled_from(["cat", "dog"]),
        votes=st.booleans(),
    )
    def work_through(self, order: list[str], word: str, votes: bool) -> None:
        """Somebody labels, others vote and review: so packages come to their end."""
        for stage in (Stage.LABEL, *([Stage.LABEL] if votes else ()), Stage.INSPECT, Stage.ACCEPT):
            for who in order:
                if self._do_an_assignment(who, stage, word, "pass"):
                    break

    def _do_an_assignment(self, who: str, stage: Stage, word: str, verb: str) -> bool:
        assignment = self.all(lambda flow: flow.claim(who, self.job, stage))
        if assignment is None:
            return False
        self.note(assignment)
        if stage is Stage.LABEL:
            self._answer_all(assignment.key, word)
        elif self.flows[0].packages.get((self.job, assignment.package)).lot_entry:
            return self._hand_in(assignment.key, word)
        elif self.flows[0].packages.get((self.job, assignment.package)).lot:
            return self._follow_the_plan(assignment.key, PASS[stage], word)
        if verb == "reject":
            self.twice(lambda flow: flow.reject(assignment, comment="no good", whole=True))
        elif verb == "pass":
            self.twice(lambda flow: getattr(flow, PASS[stage])(assignment))
        return True

    def _hand_in(self, key: tuple[int, int], word: str) -> bool:
        """Look at what was drawn of a package of a lot, or is to be corrected, and hand it in."""
        for item in self.flows[0].tasks(key):
            task = item.task.number
            self.all(lambda flow, task=task: flow.modify(key, task, {"1": Choice(word)}))
        self.twice(lambda flow: flow.accept(key))
        return True

    def _follow_the_plan(self, key: tuple[int, int], verb: str, word: str) -> bool:
        """Look at what the plan wants to see, and do what it says then."""
        verdict = self.all(lambda flow: flow.plan_verdict(key))
        while verdict is not None and verdict.more:
            for item in self.flows[0].tasks(key):
                if item.answer is None:
                    task = item.task.number
                    self.all(lambda flow, task=task: flow.modify(key, task, {"1": Choice(word)}))
            verdict = self.twice(lambda flow: flow.plan_verdict(key))
        if not self.twice(lambda flow: getattr(flow, verb)(key)):
            self.twice(lambda flow: flow.reject(key, comment="no good"))
        return True

    def _answer_all(self, key: tuple[int, int], word: str) -> None:
        def work(flow: Flow) -> Any:
            return flow.save_many(key, [(work, {"1": Choice(word)}) for work in flow.tasks(key)])

        for said in self.all(work) or ():
            self.accepted[said.key] = said

    @may_happen(assignment=anything, task=st.integers(1, 6), restore=st.booleans())
    def abandon(self, assignment: int, task: int, restore: bool) -> None:
        """Give up a task, and take that back in half of the walks."""
        key = self.assignment(assignment, Stage.LABEL)
        task = self._task_of(key, task)
        self._note_answer(self.twice(lambda flow: flow.abandon(key, task, "dark")))
        if restore:
            self._note_answer(self.twice(lambda flow: flow.restore(key, task)))

    def _note_answer(self, said: Any) -> None:
        """Note what was saved, unless it was refused: it must be there from now on."""
        if said is not None:
            self.accepted[said.key] = said

    @may_happen(assignment=anything, task=anything, comment=st.sampled_from(["", "a fox?"]))
    def escalate(self, assignment: int, task: int, comment: str) -> None:
        key = self.assignment(assignment, Stage.LABEL)
        number = self._task_of(key, task)
        said = self.twice(lambda flow: flow.escalate(key, number, comment=comment))
        self._note_answer(said)

    def _task_of(self, key: tuple[int, int], number: int) -> int:
        """A task of the assignment, so that fewer calls are refused."""
        if key not in self.assignments:
            return 1
        tasks = [item.task.number for item in self.flows[0].tasks(key)]
        return tasks[number % len(tasks)] if tasks else 1

    @may_happen(who=people, vote=anything, submit=st.booleans())
    def decide(self, who: str, vote: int, submit: bool) -> None:
        """Claim a part, and answer each of its tasks, by picking a vote where there is one."""
        assignment = self.all(lambda flow: flow.claim(who, self.job, Stage.LABEL))
        if assignment is None:
            return
        self.note(assignment)

        def work(flow: Flow) -> list[Any]:
            answers = []
            for item in flow.tasks(assignment):
                if item.votes and assignment.decides:
                    pick = item.votes[vote % len(item.votes)]
                    answers.append(flow.save(assignment, item, pick=pick))
                else:
                    answers.append(flow.save(assignment, item, {"1": Choice("dog")}))
            return answers

        if not any(self._is_escalated(assignment.key)):
            for said in self.all(work) or ():
                self.accepted[said.key] = said
        if submit:
            self.twice(lambda flow: flow.submit(assignment))

    def _is_escalated(self, key: tuple[int, int]) -> list[bool]:
        """Whether tasks cannot be saved at once, or a vote says nothing to pick."""
        items = list(self.flows[0].tasks(key))
        return [
            any(answer.is_escalated for answer in (*item.votes, *filter(None, [item.answer])))
            for item in items
        ]

    @may_happen(assignment=anything, task=anything, word=words)
    def hand_in_a_part(self, assignment: int, task: int, word: str) -> None:
        key = self.assignment(assignment)
        number = self._task_of(key, task)
        said = self.all(lambda flow: flow.save(key, number, {"1": Choice(word)}))
        self._note_answer(said)
        self.twice(lambda flow: flow.submit(key, rest="release"))

    @may_happen(tasks=st.lists(st.integers(1, 6), min_size=1, max_size=2), votes=st.integers(1, 2))
    def ask_again(self, tasks: list[int], votes: int) -> None:
        named = [(self.job, task) for task in tasks]
        self.all(lambda flow: flow.packages.ask_again(named, votes, by="ada"))

    @may_happen(number=anything, to=people)
    def give_a_part(self, number: int, to: str) -> None:
        waiting = list(self.flows[0].assignments.list(None, job=self.job))
        if not waiting:
            return
        part = waiting[number % len(waiting)].key
        offer = self.all(lambda flow: flow.assignments.reassign(part, to, by="ada"))
        self.note(offer)

    @may_happen(
        times=2,
        assignment=anything,
        task=st.integers(1, 6),
        how=st.sampled_from(["right", "wrong", "cat", "dog"]),
        reason=st.sampled_from([None, None, "blurred"]),
        discard=st.booleans(),
    )
    def look(self, assignment: int, task: int, how: str, reason: str | None, discard: bool) -> None:
        key = self.assignment(assignment, Stage.INSPECT, Stage.ACCEPT)
        task = self._task_of(key, task)
        if how in ("right", "wrong"):
            wrong = "no" if how == "wrong" else None
            said = self.all(
                lambda flow: flow.judge(
                    key, task, wrong=wrong, reason=reason, discard_modification=discard
                )
            )
        else:
            said = self.twice(lambda flow: flow.modify(key, task, {"1": Choice(how)}))
        self._note_answer(said)

    @may_happen(
        times=2,
        assignment=anything,
        verb=st.sampled_from(
            ["submit", "review", "accept", "review", "accept", "renew", "release"]
        ),
    )
    def end(self, assignment: int, verb: str) -> None:
        key = self.assignment(assignment)
        act = self.twice if verb in PASS.values() else self.all
        act(lambda flow: getattr(flow, verb)(key))

    @may_happen(assignment=anything, by=st.none() | people)
    def ask_the_plan(self, assignment: int, by: str | None) -> None:
        key = self.assignment(assignment, Stage.INSPECT, Stage.ACCEPT)
        self.twice(lambda flow: flow.plan_verdict(key, by=by))

    @may_happen(who=people)
    def close_lots(self, who: str) -> None:
        self.all(lambda flow: flow.lots.close(self.job, by=who))
        self.all(lambda flow: flow.lots.resume(self.job, by=who))
        self.all(lambda flow: list(flow.lots.list(self.job)))

    @may_happen(
        assignment=anything,
        tasks=st.lists(st.integers(1, 6), max_size=2),
        comment=st.sampled_from(["", "no good"]),
        reason=st.sampled_from([None, None, "blurred"]),
        whole=st.booleans(),
    )
    def reject(
        self, assignment: int, tasks: list[int], comment: str, reason: str | None, whole: bool
    ) -> None:
        key = self.assignment(assignment, Stage.INSPECT, Stage.ACCEPT)
        self.twice(
            lambda flow: flow.reject(key, tasks=tasks, comment=comment, reason=reason, whole=whole)
        )
        self._note_judgments(key)

    def _note_judgments(self, key: tuple[int, int]) -> None:
        """A reject that names tasks judges them; what it replaced counts no more."""
        for said in [said for said in self.accepted if said[:2] == key]:
            del self.accepted[said]

    @may_happen(assignment=anything, to=people, by=people)
    def reassign(self, assignment: int, to: str, by: str) -> None:
        key = self.assignment(assignment)
        offer = self.all(lambda flow: flow.assignments.reassign(key, to, by=by, comment="busy"))
        self.note(offer)

    @may_happen(package=st.integers(1, 4), to=people)
    def assign(self, package: int, to: str) -> None:
        offer = self.all(lambda flow: flow.assignments.assign((self.job, package), to, by="ada"))
        self.note(offer)

    @may_happen(
        package=st.integers(1, 4), verb=st.sampled_from(["discard", "reopen", "reopen"]), by=people
    )
    def change_package(self, package: int, verb: str, by: str) -> None:
        """Discard one, or reopen one that is done, where there is any."""
        done = [each.number for each in self.flows[0].packages.list(self.job, state="done")]
        if verb == "reopen" and done:
            package = done[package % len(done)]
        self.all(lambda flow: getattr(flow.packages, verb)((self.job, package), by=by))

    @may_happen(
        where=st.sampled_from(SELECTIONS),
        to=stages,
        assign=st.sampled_from(["author", "queue", "ben", "di"]),
        by=st.sampled_from(["ada", "ada", "ben"]),
    )
    def begin_a_campaign(self, where: Selection, to: Stage, assign: str, by: str) -> None:
        how: dict[str, Any] = {"where": where, "to": to, "assign": assign, "by": by}
        tried = self.all(lambda flow: flow.jobs.reopen(self.job, **how, dry_run=True))
        before = list(self.flows[0].results.list(self.job))
        report = self.all(lambda flow: flow.jobs.reopen(self.job, **how))
        assert tried == report, "it does what the dry run said"
        if report is None:
            return
        after = list(self.flows[0].results.list(self.job))
        kept = [one for one, other in zip(before, after, strict=True) if one == other]
        assert len(before) - len(kept) <= report.tasks, "the others keep their results"

    @may_happen(
        verb=st.sampled_from(["pause", "resume", "resume", "finish"]), discard=st.booleans()
    )
    def change_job(self, verb: str, discard: bool) -> None:
        more = {"discard_open": discard} if verb == "finish" else {}
        self.twice(lambda flow: getattr(flow.jobs, verb)(self.job, by="ada", **more))

    @may_happen()
    def expire(self) -> None:
        self.all(lambda flow: flow.assignments.expire(self.job, by="ada"))

    @may_happen(
        what=st.sampled_from(["bird", "note", "nothing"]),
        keep=st.booleans(),
        by=st.sampled_from(["ada", "di", "cy"]),
    )
    def change_template(self, what: str, keep: bool, by: str) -> None:
        if not self.accepted:
            return
        step = self._step(what, keep)
        steps = [step] if step else []
        tried = self.all(
            lambda flow: flow.jobs.change_template(self.job, steps, by=by, dry_run=True)
        )
        report = self.all(lambda flow: flow.jobs.change_template(self.job, steps, by=by))
        if report is None:
            assert tried is None or tried.cannot
            return
        assert tried == report, "it does what the dry run said"
        for key, said in self.accepted.items():
            replies = (
                STEPS[step](said.replies) if step and said.replies is not None else said.replies
            )
            if replies != said.replies:
                version = {"version": said.version + 1, "template_version": report.version}
                self.accepted[key] = attrs.evolve(said, replies=replies, **version)

    def _step(self, what: str, keep: bool) -> Any:
        """Add what is not there, drop what is; *keep* something of it in the answers."""
        template = self.flows[0].templates.get(self.job)
        there = {question.id for question in template.questions} | template.questions[0].keys
        steps = {
            ("bird", False): [AddOption("1", "bird")] * 2,
            ("bird", True): [DropOption("1", "bird"), DropOption("1", "bird", to="dog")],
            ("note", False): [AddQuestion(NOTE), AddQuestion(NOTE, reply=Text("old"))],
            ("note", True): [DropQuestion("2")] * 2,
        }
        return (
            steps[what, {"bird": "bird", "note": "2"}[what] in there][keep]
            if what != "nothing"
            else None
        )

    @may_happen(count=st.integers(1, 3))
    def append(self, count: int) -> None:
        self.all(lambda flow: flow.jobs.append(self.job, rows(count), by="ada"))

    @may_happen(min_confidence=st.sampled_from([True, False, 0.5]), word=words, by=people)
    def prelabel(self, min_confidence: float, word: str, by: str) -> None:
        def predict(tasks: Any) -> Any:
            return [
                PreLabel(Choice(word), task.number / 5) if task.number % 3 else None
                for task in tasks
            ]

        self.all(
            lambda flow: flow.jobs.prelabel(self.job, predict, min_confidence=min_confidence, by=by)
        )

    @may_happen(who=st.sampled_from(PEOPLE[1:]), back=st.booleans())
    def come_and_go(self, who: str, back: bool) -> None:
        if back:
            self.all(lambda flow: flow.members.add("street", who, Role.OPERATOR, by="ada"))
        else:
            self.all(lambda flow: flow.members.remove("street", who, by="ada"))

    @may_happen(
        assignments=st.lists(anything, max_size=4),
        verb=st.sampled_from(["review", "accept", "reject", "release"]),
    )
    def end_many(self, assignments: list[int], verb: str) -> None:
        keys = [self.assignment(assignment) for assignment in assignments]

        def act(flow: Flow) -> list[tuple[Any, str]]:
            outcomes = getattr(flow, f"{verb}_many")(keys)
            return [(outcome.value, str(outcome.error)) for outcome in outcomes]

        self.all(act)

    @may_happen(who=people, stage=stages, count=st.integers(0, 3))
    def claim_many(self, who: str, stage: Stage, count: int) -> None:
        self.note(*self.all(lambda flow: flow.claim_many(who, self.job, stage, count)) or ())

    @may_happen(task=st.integers(1, 6), by=st.sampled_from(["ada", "ada", "ben"]))
    def erase(self, task: int, by: str) -> None:
        if self.all(lambda flow: maintenance.erase_task(flow, (self.job, task), by=by)):
            self.accepted = {key: said for key, said in self.accepted.items() if key[2] != task}

    @may_happen(source=st.integers(1, 6), by=st.sampled_from(["ada", "ben"]), dry_run=st.booleans())
    def erase_where(self, source: int, by: str, dry_run: bool) -> None:
        where = {"field": "source", "equals": f"{source}.jpg", "dry_run": dry_run}

        def act(flow: Flow) -> Any:
            report = maintenance.erase_where(flow, "street", **where, by=by)
            # each store has its own files
            exports = tuple(attrs.evolve(export, target="", sha256="") for export in report.exports)
            return attrs.evolve(report, exports=exports)

        report = self.all(act)
        if report is not None and not dry_run:
            gone = {number for of_job in report.jobs for number in of_job.numbers}
            self.accepted = {key: said for key, said in self.accepted.items() if key[2] not in gone}

    @may_happen(format=st.sampled_from(["itag", "jsonl"]), by=people)
    def export(self, format: str, by: str) -> None:
        def act(flow: Flow) -> Any:
            target = io.BytesIO()
            report = flow.results.export(self.job, format, target, by=by)
            last = next(reversed(list(flow.results.exports(self.job))))
            assert (last.sha256, last.rows) == (report.sha256, report.rows)
            return target.getvalue().decode()

        self.all(act)

    @may_happen(name=st.sampled_from(["first", "second"]), by=st.sampled_from(["ada", "ben"]))
    def keep_a_snapshot(self, name: str, by: str) -> None:
        """And export from it what was kept, once more."""

        def act(flow: Flow) -> Any:
            path = f"{self.folder.name}/{self.flows.index(flow)}.{name}.jsonl"
            made = flow.results.snapshot(self.job, name, path, by=by)
            return made.rows

        self.all(act)

    @may_happen(times=2, name=st.sampled_from(["first", "second"]))
    def export_a_snapshot(self, name: str) -> None:
        """What was kept comes again, without what was erased since."""

        def act(flow: Flow) -> Any:
            (made,) = [each for each in flow.results.snapshots(self.job) if each.name == name] or [
                None
            ]
            if made is None:
                return None
            target = io.BytesIO()
            report = flow.results.export(self.job, "jsonl", target, snapshot=name)
            assert report.rows + report.erased == made.rows
            if not (report.erased or report.losses):
                assert hashlib.sha256(target.getvalue()).hexdigest() == made.sha256
                CHECKED["a snapshot has the same bytes again"] += 1
            return target.getvalue().decode()

        self.all(act)

    @may_happen(name=st.sampled_from(["first", "second"]), by=st.sampled_from(["ada", "ben"]))
    def drop_a_snapshot(self, name: str, by: str) -> None:
        self.all(lambda flow: flow.results.drop_snapshot(self.job, name, by=by).rows)

    @may_happen(
        times=2,
        format=st.sampled_from(["csv", "jsonl"]),
        by=st.sampled_from([None, "ada"]),
        where=st.sampled_from([Selection(), Selection(state="final"), Selection(label="cat")]),
    )
    def export_what_changed(self, format: str, by: str | None, where: Selection) -> None:
        """Since the last time that the same was exported; with what was there it is the whole."""

        def act(flow: Flow) -> Any:
            name = (self.flows.index(flow), format, by, repr(where))
            copy = self.exported.setdefault(name, Copy(format, by=by, where=where))
            is_later = copy.report is not None
            report = copy.check(flow, self.job)
            CHECKED["what changed and what was there are the whole"] += is_later
            return attrs.evolve(report, sha256="")

        self.all(act)

    @may_happen(minutes=st.sampled_from([1, 6, 11]))
    def time_passes(self, minutes: int) -> None:
        self.clock.forward(minutes=minutes)


@pytest.fixture(scope="module", autouse=True)
def lent(databases: postgres.Databases) -> Iterator[None]:
    Walk.databases = databases
    with counting():
        yield


TestWalk = Walk.TestCase
TestWalk.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


def test_random_walks_reach_every_verb() -> None:
    """The random walks check what they did; the long form also does every verb."""
    if not CALLED:
        pytest.skip("the walks did not run in this process")
    for name in sorted(find_verbs()):
        print(f"{name}: called {CALLED[name]} times, done {DONE[name]}")
    for name, number in sorted(CHECKED.items()):
        print(f"{name}: {number}")
    assert CHECKED["verified, with every event replayed"] > 0
    # ten walks may leave out any verb, and may end with nothing final: that is a matter of luck
    if EXAMPLES >= 200:
        assert [name for name in find_verbs() if not DONE[name]] == []
        assert [name for name in CHECKS if not CHECKED[name]] == []


def test_walks_that_are_written_down_do_every_verb_and_every_check() -> None:
    done = DONE.copy()
    checked = CHECKED.copy()
    for label, inspect, parts in WALKS:
        follow(Walk(), label, inspect, parts)
    assert [name for name in find_verbs() if DONE[name] == done[name]] == []
    assert [name for name in CHECKS if CHECKED[name] == checked[name]] == []
