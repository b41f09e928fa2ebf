"""Who labeled is hidden from those who review blind: the one place where names are replaced.

Until a package is done at a stage with ``blind=True``, its labelers are ``labeler 1``,
``labeler 2`` and so on for who reviews it there. Whatever a reader returns passes through a
`Blinding`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, cast

import attrs

from itagflow.access import Action, Policy, is_in_crew, refusal
from itagflow.model.comment import Comment
from itagflow.model.event import Event, FieldChange
from itagflow.model.job import Job, Stage
from itagflow.model.merging import MergeReport
from itagflow.model.package import Assignment, Package, PackageState
from itagflow.model.task import Answer
from itagflow.model.workspace import Member


@attrs.frozen
class Blinding:
    """The names under which the labelers of some packages of one job are shown."""

    names: Mapping[int, Mapping[int, str]] = attrs.field(factory=dict[int, Mapping[int, str]])
    """The name of each labeler, by number of the package and key of the member."""
    labelings: Mapping[int, int] = attrs.field(factory=dict[int, int])
    """The number of the package of each assignment at LABEL on these, by its id."""

    def hide_in_assignment(self, assignment: Assignment) -> Assignment:
        """Return *assignment* without its member, if that is a labeler whose name is hidden."""
        name = self._find_name(assignment.id, assignment.member)
        if not name:
            return assignment
        return attrs.evolve(assignment, member=None, labeler=name)

    def hide_in_answer(self, answer: Answer) -> Answer:
        """Return *answer* without its member, and who voted, where these names are hidden."""
        hidden = self._find_hidden(answer.assignment)
        if answer.merge is not None and hidden:
            return attrs.evolve(answer, merge=_hide_in_report(answer.merge, hidden))
        name = self._find_name(answer.assignment, answer.member)
        if not name:
            return answer
        return attrs.evolve(answer, member=None, labeler=name)

    def hide_in_comment(self, comment: Comment) -> Comment:
        """Return *comment* without its member, if that is a labeler whose name is hidden."""
        name = self.names.get(comment.package, {}).get(comment.member or 0, "")
        if not name:
            return comment
        return attrs.evolve(comment, member=None, labeler=name)

    def hide_in_event(self, event: Event, accounts: Mapping[str, int]) -> Event:
        """Return *event* without labelers; *accounts* has the keys of members by account."""
        if event.package not in self.names:
            return event
        changes = tuple(map(self._hide_in_change, event.changes))
        data = {
            name: self._hide_in_data(event, name, value, accounts)
            for name, value in event.data.items()
        }
        name = self._find_name(event.assignment, event.member)
        if not name:
            return attrs.evolve(event, changes=changes, data=data)
        return attrs.evolve(event, changes=changes, data=data, member=0, account=name)

    def _hide_in_change(self, change: FieldChange) -> FieldChange:
        if (change.kind, change.field) != ("assignment", "member"):
            return change
        id = change.key[-1]
        before, after = (
            self._find_name(id, value) or value for value in (change.before, change.after)
        )
        return attrs.evolve(change, before=before, after=after)

    def _hide_in_data(
        self, event: Event, name: str, value: Any, accounts: Mapping[str, int]
    ) -> Any:
        """Return what an event says under *name*: to whom work went, and answers that were."""
        if name == "to" and event.assignment in self.labelings:
            return self.names[event.package].get(accounts.get(value, 0), value)
        if name != "previous":
            return value
        answers = cast("Mapping[str, Mapping[str, Any]]", value)
        return {task: self._hide_in_stored(answer) for task, answer in answers.items()}

    def _hide_in_stored(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return an answer, as an event keeps it, without its labeler, and without who voted."""
        hidden = self._find_hidden(answer.get("assignment"))
        if answer.get("merge") and hidden:
            return {**answer, "merge": _hide_in_stored_report(answer["merge"], hidden)}
        name = self._find_name(answer.get("assignment"), answer.get("member"))
        if not name:
            return answer
        return {**answer, "member": None, "labeler": name}

    def _find_name(self, assignment: object, member: object) -> str:
        """Return the name of a member in an assignment, if it is a labeling that is hidden."""
        return self._find_hidden(assignment).get(cast(int, member), "")

    def _find_hidden(self, assignment: object) -> Mapping[int, str]:
        """Return the names of those who are hidden in an assignment; none if it is no labeling."""
        package = self.labelings.get(cast(int, assignment))
        if package is None:
            return {}
        return self.names[package]


def _hide_in_report(report: MergeReport, hidden: Mapping[int, str]) -> MergeReport:
    """Return how votes were merged without the *hidden* voters; the counts still tell how many."""
    questions = {
        id: attrs.evolve(question, voters=_leave_out(question.voters, hidden))
        for id, question in report.questions.items()
    }
    return attrs.evolve(
        report,
        voters=_leave_out(report.voters, hidden),
        abandoned_by=_leave_out(report.abandoned_by, hidden),
        questions=questions,
    )


def _hide_in_stored_report(
    report: Mapping[str, Any], hidden: Mapping[int, str]
) -> Mapping[str, Any]:
    """Return the same of a report as it is stored."""
    shown = dict(report)
    for name in ("voters", "abandoned_by"):
        if name in shown:
            shown[name] = list(_leave_out(shown[name], hidden))
    if "questions" in shown:
        shown["questions"] = {
            id: _hide_in_stored_report(question, hidden)
            for id, question in shown["questions"].items()
        }
    return shown


def _leave_out(members: Iterable[int], hidden: Mapping[int, str]) -> tuple[int, ...]:
    return tuple(member for member in members if member not in hidden)


NOTHING_HIDDEN = Blinding()
"""Shows everybody."""


@attrs.frozen(kw_only=True)
class Reviewer:
    """Who reads, where that decides what is hidden."""

    policy: Policy
    """Says who may do what."""
    member: Member
    """The member."""


def list_blind_stages(job: Job) -> tuple[Stage, ...]:
    """Return the stages of *job* at which labelers are hidden from the reviewers."""
    rules = ((stage, job.workflow.review(stage)) for stage in job.workflow.stages)
    return tuple(stage for stage, rule in rules if rule is not None and rule.blind)


def is_done_at(job: Job, package: Package, stage: Stage) -> bool:
    """Return whether *package* has passed *stage* in its present round, or is done."""
    stages = job.workflow.stages
    if package.stage is None:
        return package.state is PackageState.DONE
    return stages.index(package.stage) > stages.index(stage)


def name_labelers(job: Job, package: int, members: Iterable[int]) -> dict[int, str]:
    """Return the names of the labelers of a package: in the order of a hash, which tells nothing.

    They hold for this package only, so that nobody is known again in another one.
    """
    place = f"{job.seed}/{package}"
    ordered = sorted(members, key=lambda member: sha256(f"{place}/{member}".encode()).digest())
    return {member: f"labeler {number}" for number, member in enumerate(ordered, 1)}


def hide_from(
    reviewer: Reviewer, job: Job, packages: Iterable[Package], assignments: Sequence[Assignment]
) -> Blinding:
    """Return what is hidden from a member who reads; *assignments* are all of these packages."""
    blind = list_blind_stages(job)
    regular = {stage for stage in blind if reviews_at(reviewer, job, stage)}
    hidden = list[Package]()
    for package in packages:
        # also who stands in as a reviewer of one package: while they have it
        holding = {
            assignment.stage
            for assignment in assignments
            if assignment.package == package.number
            and assignment.live
            and assignment.member == reviewer.member.id
        }
        stages = [stage for stage in blind if stage in regular or stage in holding]
        if any(not is_done_at(job, package, stage) for stage in stages):
            hidden.append(package)
    return _hide(job, hidden, assignments, but=reviewer.member.id)


def hide_at(
    stage: Stage, job: Job, packages: Iterable[Package], assignments: Sequence[Assignment]
) -> Blinding:
    """Return what is hidden in the tasks of an assignment at *stage*, whoever reads them."""
    if stage not in list_blind_stages(job):
        return NOTHING_HIDDEN
    hidden = [package for package in packages if not is_done_at(job, package, stage)]
    return _hide(job, hidden, assignments, but=0)


def reviews_at(reviewer: Reviewer, job: Job, stage: Stage) -> bool:
    """Return whether the member is one of those who review at *stage*.

    Who may do so, but is not among those whom the workforce names there, manages the job: they have
    to know whose work it is.
    """
    member, crew = reviewer.member, job.crew(stage)
    if refusal(reviewer.policy, member, Action.at(stage), job, stage) is not None:
        return False
    return is_in_crew(crew, member) or not (crew.members or crew.groups)


def _hide(
    job: Job, packages: Sequence[Package], assignments: Sequence[Assignment], *, but: int
) -> Blinding:
    """Return the names of all labelers of these packages but one."""
    numbers = {package.number for package in packages}
    labelings = {
        assignment.id: assignment
        for assignment in assignments
        if assignment.stage is Stage.LABEL and assignment.package in numbers
    }
    names = dict[int, Mapping[int, str]]()
    for number in numbers:
        members = {
            assignment.member
            for assignment in labelings.values()
            if assignment.package == number and assignment.member is not None
        }
        named = name_labelers(job, number, members)
        names[number] = {member: name for member, name in named.items() if member != but}
    return Blinding(names, {id: assignment.package for id, assignment in labelings.items()})
