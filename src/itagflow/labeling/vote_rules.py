"""How many members label each package of a job, and by which rules their votes are merged."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.labeling.merge_rules import choose_default, find_rule_error
from itagflow.model.entity import evolve
from itagflow.model.job import Job, Label, Stage, Workflow
from itagflow.model.merging import Merge
from itagflow.model.package import Package, PackageState
from itagflow.model.template import Question, Template


def is_package_drawn(share: float, seed: int, stage: Stage, package: int, round: int) -> bool:
    """Return whether a package is one of this *share*: the same on every machine, at any time.

    >>> is_package_drawn(1.0, 7, Stage.LABEL, 1, 1)
    True
    """
    digest = hashlib.sha256(f"{seed}/{stage.value}/{package}/{round}".encode()).digest()
    return int.from_bytes(digest, "big") / 2**256 < share


def count_votes(job: Job, package: int) -> int:
    """Return how many members are to label the package with this number."""
    label = job.workflow.label
    share = label.votes_package_share
    # the round in which it is made: it stays drawn, or not, for good
    if share is not None and not is_package_drawn(share, job.seed, Stage.LABEL, package, 1):
        return 1
    return label.votes


def with_votes(job: Job, package: Package, round: int) -> Package:
    """Return *package* with the votes that its job asks for from this round on.

    They never become fewer: votes that were given count.
    """
    votes = max(count_votes(job, package.number), package.votes)
    since = package.voted_since
    if package.votes == 1 and votes > 1:
        since = round
    return evolve(package, votes=votes, voted_since=since)


def with_next_round(job: Job, package: Package, stage: Stage | None) -> Package:
    """Return *package* in its next round; at LABEL with the votes that its job asks for now."""
    again = evolve(package, round=package.round + 1)
    if stage is not Stage.LABEL:
        return again
    return with_votes(job, again, again.round)


def with_slots_added(job: Job, package: Package) -> Package:
    """Return *package*, which is at LABEL, with a slot for each vote that it has too few."""
    if package.state is not PackageState.LABEL:
        return package
    more = with_votes(job, package, package.round)
    return evolve(more, free=package.free + more.votes - package.votes)


def with_merge_rules(workflow: Workflow, template: Template) -> Workflow:
    """Return *workflow* with the rule of each question by its id: those given, else the defaults.

    Raises:
        InvalidData: when a rule is for no question of *template*, for several, or for one of a kind
            that it cannot merge; it lists every problem.
    """
    label = workflow.label
    # one member alone has nothing to merge, unless they were asked for: votes may be raised later
    if label.votes == 1 and not label.merge:
        return workflow
    given = _resolve_questions(label.merge, template)
    merge = {
        question.id: given.get(question.id, choose_default(question)) for question in template.asked
    }
    with_rules: Label = attrs.evolve(label, merge=merge)
    rules = (with_rules, workflow.inspect, workflow.accept)
    return Workflow(*(rule for rule in rules if rule is not None))


def explain_other_votes(old: Label, new: Label) -> str:
    """Return why the votes of a job cannot be changed to those of *new*; empty when they can."""
    if new.votes < old.votes:
        return f"votes cannot become fewer: they are {old.votes}, not {new.votes}"
    if new.votes_package_share != old.votes_package_share:
        return "votes_package_share cannot change: packages were made by it"
    # while one member labels everything, nothing was merged yet
    if new.merge != old.merge and old.votes > 1:
        return "merge cannot change: votes were merged by it"
    return ""


def _resolve_questions(merge: Mapping[str, Merge], template: Template) -> dict[str, Merge]:
    by_id = dict[str, Merge]()
    problems = list[Problem]()
    for name, rule in merge.items():
        questions = _find_questions(name, template)
        problem = ""
        if len(questions) != 1:
            problem = _explain_number(questions, template)
        elif questions[0].id in by_id:
            problem = "is given by its title and by its id"
        else:
            problem = find_rule_error(questions[0], rule)
            by_id[questions[0].id] = rule
        if problem:
            problems.append(Problem(f"merge[{name!r}]", problem))
    if problems:
        raise InvalidData("Label", problems)
    return by_id


def _find_questions(name: str, template: Template) -> list[Question]:
    """Return the question with this id, or else those with this title."""
    with_id = [question for question in template.asked if question.id == name]
    return with_id or [question for question in template.asked if question.title == name]


def _explain_number(questions: list[Question], template: Template) -> str:
    if questions:
        ids = ", ".join(repr(question.id) for question in questions)
        return f"is the title of several questions: give one of their ids, {ids}"
    known = ", ".join(f"{question.title!r} ({question.id})" for question in template.asked)
    return f"the template has no such question; it has {known}"
