"""What follows from the answers to a task: its state, and who made its result at each stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from functools import cached_property

import attrs
from attrs.validators import optional

from itagflow.errors import Incomplete
from itagflow.model.copying import evolve
from itagflow.model.job import STAGES, Job, Stage
from itagflow.model.package import (
    PASSING,
    Assignment,
    AssignmentState,
    Campaign,
    Outcome,
    Package,
    PackageState,
    Purpose,
)
from itagflow.model.task import (
    Answer,
    Draft,
    Order,
    Task,
    TaskState,
    WorkItem,
    count_versions,
    is_newer,
)
from itagflow.model.text import validate_text

CLOSING = frozenset({Outcome.PRELABELED, Outcome.IMPORTED, Outcome.TIMEOUT})
"""The outcomes of the assignments without a member that close a labeling, votes or not."""

PRELABEL_OUTCOMES = frozenset({Outcome.PRELABELED, Outcome.SUGGESTED})
"""The outcomes of the assignments that hold pre-labels."""


@attrs.frozen
class ModelChoice:
    """Which of several predictions is shown: the newest one, of this model if one is named."""

    model: str | None = attrs.field(default=None, validator=optional(validate_text))
    """The model; None: any."""
    version: str | None = attrs.field(default=None, validator=optional(validate_text))
    """The version of the model; None: any."""

    def choose(self, predictions: Sequence[Answer]) -> Answer | None:
        """Return the one that is shown, of *predictions* from the oldest to the newest."""
        chosen = [
            answer
            for answer in predictions
            if self.model in (None, answer.model) and self.version in (None, answer.model_version)
        ]
        if not chosen:
            return None
        return chosen[-1]


ANY_MODEL = ModelChoice()
"""The newest prediction, whatever the model."""


@attrs.frozen(eq=False, slots=False)
class PackageHistory:
    """The assignments of a package, sorted once for all of its tasks."""

    package: Package
    """The package."""
    assignments: Sequence[Assignment]
    """Every assignment of it, or those of the history of some of its tasks, in order."""

    @cached_property
    def labelings(self) -> Sequence[Assignment]:
        """The assignments that closed a labeling, the last one first."""
        return [each for each in reversed(self.completed[Stage.LABEL]) if self.closes(each)]

    @cached_property
    def completed(self) -> Mapping[Stage, Sequence[Assignment]]:
        """The assignments that ended with their work, by stage."""
        done = [each for each in self.assignments if each.state is AssignmentState.DONE]
        return {stage: [each for each in done if each.stage is stage] for stage in STAGES}

    @cached_property
    def counted(self) -> Sequence[Assignment]:
        """The assignments whose answers count while they are held and once they are done."""
        return [each for each in self.assignments if _is_held_or_done(each)]

    @cached_property
    def was_sent_back(self) -> bool:
        """Whether the whole package was ever sent back."""
        return any(_sends_all_back(each) for each in self.assignments)

    def closes(self, assignment: Assignment) -> bool:
        """Return whether *assignment* closes the labeling of the tasks that it covers."""
        if assignment.outcome in CLOSING:
            return True
        # a submitted vote closes nothing: the merged answers do, after the last vote, and then
        # those that decide
        if is_voted_on_in(self.package, assignment.round) and not assignment.decides:
            return assignment.outcome is Outcome.MERGED
        return assignment.outcome is Outcome.SUBMITTED


def _make_history(case: Case) -> PackageHistory:
    return PackageHistory(case.package, case.assignments)


@attrs.frozen(slots=False)
class Case:
    """One task with every answer it ever got."""

    job: Job
    """The job."""
    package: Package
    """The task's package."""
    assignments: Sequence[Assignment]
    """Every assignment of the package, by round, then by id."""
    answers: Mapping[int, Answer]
    """The answers about this task by the id of their assignment."""
    task: int
    """The number of the task."""
    drafts: Mapping[int, Draft] = attrs.field(factory=dict[int, Draft])
    """The drafts about this task by the id of their assignment, where they were read."""
    history: PackageHistory = attrs.field(
        default=attrs.Factory(_make_history, takes_self=True), eq=False, repr=False
    )
    """The same assignments, sorted; of many tasks of a package it is the same."""

    @cached_property
    def state(self) -> TaskState:
        """How far the task is; votes that are not merged yet count, and what somebody holds."""
        return compute_state(self)

    def before(self, assignment: Assignment) -> Case:
        """Return the case as *assignment* found it: without what came at its stage or later.

        Within a round each stage is gone through once, so round and stage say what came before.
        Clocks do not: one may be set back, and several things may happen at one moment.
        """
        place = _place_of(assignment)
        earlier = [each for each in self.assignments if _place_of(each) < place]
        return self.with_assignments(earlier)

    def with_assignments(self, assignments: Sequence[Assignment]) -> Case:
        """Return the case with these assignments only."""
        history = PackageHistory(self.package, assignments)
        return attrs.evolve(self, assignments=assignments, history=history)

    def find_completed(self, stage: Stage, since: int = 0) -> list[Assignment]:
        """Return the assignments at *stage* that ended with their work, in this round or later."""
        return [each for each in self.history.completed[stage] if each.round >= since]

    def find_labeling(self) -> Assignment | None:
        """Return the assignment that closed the last labeling of this task, or None."""
        # the last counts: earlier ones were sent back, and their answers were replaced
        for assignment in self.history.labelings:
            if assignment.covers(self.task):
                return assignment
        return None

    def closes(self, assignment: Assignment) -> bool:
        """Return whether *assignment* closes the labeling of the tasks that it covers."""
        return self.history.closes(assignment)

    @property
    def predictions(self) -> tuple[Answer, ...]:
        """The predictions for this task, oldest first."""
        return tuple(
            self.answers[assignment.id]
            for assignment in self.assignments
            if assignment.outcome in PRELABEL_OUTCOMES and assignment.id in self.answers
        )

    @property
    def prelabel(self) -> Answer | None:
        """The newest prediction for this task, if it has one."""
        return ANY_MODEL.choose(self.predictions)

    @property
    def is_being_labeled(self) -> bool:
        """Whether the task is in the scope of a labeling that is not yet closed."""
        package = self.package
        return package.state is PackageState.LABEL and (
            package.scope is None or self.task in package.scope
        )

    @property
    def is_final(self) -> bool:
        """Whether its package is done, or has been since before a campaign that is about others."""
        is_discarded = self.package.state is PackageState.DISCARDED
        return self.package.has_ended(self.task) and not is_discarded

    @property
    def is_being_voted_on(self) -> bool:
        """Whether the task is in the scope of a labeling whose votes are not merged yet."""
        return self.is_being_labeled and self.package.votes > 1

    def find_review_answer(self, stage: Stage, since: int) -> Answer | None:
        """Return the last answer that reviewers at *stage* gave themselves, since that round."""
        # backwards: the last word counts
        for assignment in reversed(self.find_completed(stage, since)):
            answer = self.answers.get(assignment.id)
            if answer is not None and answer.is_resolved:
                return answer
        return None


def _place_of(assignment: Assignment) -> tuple[int, int]:
    """Return where an assignment is in the course of its package: its round, then its stage."""
    return assignment.round, STAGES.index(assignment.stage)


def sort_assignments(assignments: Sequence[Assignment]) -> list[Assignment]:
    """Return *assignments* in the order in which they matter: by round, then by id.

    What decides comes behind the labelings of its round, whenever it was offered: first the
    adjudicators, then the experts.
    """
    return sorted(
        assignments,
        key=lambda assignment: (assignment.round, _rank(assignment), assignment.id),
    )


def _rank(assignment: Assignment) -> int:
    if assignment.stage is not Stage.LABEL:
        return len(_RANKS) + 1
    if assignment.outcome is Outcome.TIMEOUT:
        return len(_RANKS)  # it is about what all others have left open
    return _RANKS.get(assignment.purpose, 0)


_RANKS = {Purpose.LABEL: 0, Purpose.ADJUDICATION: 1, Purpose.ESCALATION: 2}
"""How far the word of a labeling counts, by its purpose; a review counts more than all."""


def build_cases(
    job: Job,
    package: Package,
    assignments: Sequence[Assignment],
    answers: Mapping[int, Mapping[int, Answer]],
) -> list[Case]:
    """Return the case of each task of *package* in *answers*: by task, then by assignment."""
    history = PackageHistory(package, sort_assignments(assignments))
    return [build_case(job, history, by_id, task) for task, by_id in answers.items()]


@attrs.frozen(eq=False)
class TaskCases:
    """What the cases of some tasks of a job are made of, which may be of several packages."""

    job: Job
    """The job."""
    histories: Mapping[int, PackageHistory]
    """The histories of their packages, by number."""
    answers: MutableMapping[int, dict[int, Answer]]
    """The answers to each task, by number, then by the id of the assignment."""

    def build(self, task: Task) -> Case:
        """Return the case of *task*."""
        history = self.histories[task.package]
        return build_case(self.job, history, self.answers[task.number], task.number)

    def take(self, task: Task) -> Case:
        """Return the case of *task*, for the only time: its answers, often long, go with it."""
        history = self.histories[task.package]
        return build_case(self.job, history, self.answers.pop(task.number), task.number)


def build_case(job: Job, history: PackageHistory, answers: Mapping[int, Answer], task: int) -> Case:
    """Return the case of one *task* of the package with this *history*."""
    package, assignments = history.package, history.assignments
    if package.campaigns:  # in few packages; in all others the history of all tasks is the same
        assignments = select_history(package, assignments, task)
        return Case(job, package, assignments, answers, task)
    return Case(job, package, assignments, answers, task, history=history)


def is_in_campaign(campaign: Campaign, round: int) -> bool:
    """Return whether this round of the package belongs to *campaign*."""
    return campaign.round <= round and (campaign.last_round is None or round <= campaign.last_round)


def find_campaign(package: Package, round: int) -> Campaign | None:
    """Return the campaign to which a round of *package* belongs, or None."""
    return next((each for each in package.campaigns if is_in_campaign(each, round)), None)


def has_opened(campaign: Campaign, task: int) -> bool:
    """Return whether the result of *task* is what *campaign* has made of it."""
    return task in campaign.tasks and not campaign.is_withdrawn


def select_history(
    package: Package, assignments: Sequence[Assignment], task: int
) -> Sequence[Assignment]:
    """Return those of the *assignments* of a package that are part of the history of a task of it.

    What belongs to a campaign that did not open the task, or was withdrawn, is not: its result, and
    who made it, stay as they are.
    """
    if not package.campaigns:
        return assignments  # nearly always
    others = [campaign for campaign in package.campaigns if not has_opened(campaign, task)]
    return [
        assignment
        for assignment in assignments
        if not any(is_in_campaign(campaign, assignment.round) for campaign in others)
    ]


def find_skipped(package: Package, task: int) -> tuple[Stage, ...]:
    """Return the review stages that *task* has passed since its package was not drawn for them."""
    skipped = package.skipped
    for campaign in reversed(package.campaigns):
        # what the package passed without a review before that was another labeling of the task, or
        # everything was reviewed since
        if has_opened(campaign, task) or campaign.round < package.reopened_round:
            break
        skipped = campaign.skipped
    return skipped


def find_submitted(case: Case, stage: Stage) -> Answer | None:
    """Return what *stage* is to judge, or LABEL to do again; None for a first labeling."""
    label = case.find_labeling()
    if label is None:
        return None
    answer = case.answers.get(label.id)
    for review in case.job.workflow.stages[1:]:
        answer = case.find_review_answer(review, label.round) or answer
        if review is stage:
            break
    return answer


def find_votes(case: Case) -> tuple[Answer, ...]:
    """Return every vote that was given in the task's newest labeling, by assignment."""
    round = case.package.round
    if not case.is_being_labeled:
        label = case.find_labeling()
        if label is None:
            return ()
        round = label.round
    if not is_voted_on_in(case.package, round):
        return ()
    return tuple(_iter_votes(case, round))


def with_counts(package: Package, cases: Iterable[Case]) -> Package:
    """Return *package* with the counts of its abandoned, wrong and corrected tasks.

    Votes count once they are merged: before that, counts that anybody may see would tell what they
    say.
    """
    states, corrected = list[TaskState](), 0
    for case in cases:
        states.append(compute_state(case, live=False))
        corrected += is_corrected(case)
    return evolve(
        package,
        abandoned=states.count(TaskState.ABANDONED),
        wrong=states.count(TaskState.WRONG),
        corrected=corrected,
    )


def is_corrected(case: Case) -> bool:
    """Return whether the task has a pre-label, and people have given it another answer."""
    prelabel, current = case.prelabel, find_current_answer(case, live=False)
    return (
        prelabel is not None
        and current is not None
        and not current.is_abandoned
        and current.replies != prelabel.replies
    )


def compute_state(case: Case, *, live: bool = True) -> TaskState:
    """Return how far the task is; *live* includes held assignments and votes not yet merged."""
    if case.task in case.package.withdrawals:
        return TaskState.WITHDRAWN
    if find_judgment(case, live=live).is_wrong:
        return TaskState.WRONG
    answer = find_current_answer(case, live=live)
    if answer is None:
        return TaskState.TODO
    if answer.is_abandoned:
        return TaskState.ABANDONED
    if case.is_final:
        return TaskState.FINAL
    passed = any(
        assignment.outcome in PASSING and assignment.round >= answer.round
        for assignment in case.assignments
    )
    if passed:
        return TaskState.PASSED
    return TaskState.ANSWERED


def find_current_answer(case: Case, *, live: bool) -> Answer | None:
    """Return the current answer to the task: the newest of its labeling, or a reviewer's."""
    label = case.find_labeling()
    since = 0
    if label is not None:
        since = label.round
    # answers of earlier rounds were sent back: while the task is labeled again, they do not count
    if case.is_being_labeled:
        since = case.package.round
    # backwards: the newest counts
    for assignment in reversed(case.history.counted):
        answer = case.answers.get(assignment.id)
        if answer is None or assignment.round < since:
            continue
        # who hands a task to the experts leaves it open
        if (not live and _is_in_progress(case, assignment)) or not is_settled(answer):
            continue
        if (
            assignment.stage is not Stage.LABEL
            or case.is_being_labeled
            or (label is None and assignment.outcome is Outcome.SUBMITTED)
            or (label is not None and case.closes(assignment))
        ):
            return answer
    return None


def is_settled(answer: Answer) -> bool:
    """Return whether *answer* says something of its task, and leaves it to nobody else."""
    return answer.is_resolved and not answer.is_escalated


@attrs.frozen
class StandingJudgment:
    """What reviewers have said of a task, as it stands."""

    is_wrong: bool = False
    """Whether it stands judged wrong."""
    comment: str = ""
    """The last comment that sent it back."""
    reason: str = ""
    """The reason that was given with it."""


NEVER_JUDGED = StandingJudgment()
"""Where nobody has said anything against a task."""


def find_judgment(case: Case, *, live: bool = True) -> StandingJudgment:
    """Return whether the task stands judged wrong, and what was last said to send it back."""
    if not case.history.was_sent_back and not any(each.wrong for each in case.answers.values()):
        return NEVER_JUDGED  # nearly always
    standing = NEVER_JUDGED
    # by round, then by id: each assignment may overturn what those before it decided
    for assignment in case.assignments:
        answer = None
        if _is_counted(case, assignment, live=live):
            answer = case.answers.get(assignment.id)
        if answer is not None and answer.wrong:
            standing = StandingJudgment(True, answer.comment, answer.reason)
            continue  # what is said of the task comes before what is said of the package
        if standing.is_wrong and answer is not None and (answer.is_resolved or answer.verdict):
            standing = attrs.evolve(standing, is_wrong=False)
        if _sends_all_back(assignment):
            standing = StandingJudgment(True, assignment.comment, assignment.reason)
        elif standing.is_wrong and assignment.outcome in PASSING:
            standing = attrs.evolve(standing, is_wrong=False)
    return standing


def _is_counted(case: Case, assignment: Assignment, *, live: bool) -> bool:
    return _is_held_or_done(assignment) and (live or not _is_in_progress(case, assignment))


def _is_held_or_done(assignment: Assignment) -> bool:
    if assignment.state is AssignmentState.HELD:
        return True
    return assignment.state is AssignmentState.DONE and assignment.outcome is not Outcome.SUGGESTED


def _is_in_progress(case: Case, assignment: Assignment) -> bool:
    """Return whether *assignment* is held, or is a vote that is not merged yet."""
    if assignment.state is AssignmentState.HELD:
        return True
    return (
        assignment.outcome is Outcome.SUBMITTED
        and assignment.round == case.package.round
        and case.is_being_voted_on
    )


def _sends_all_back(assignment: Assignment) -> bool:
    """Return whether *assignment* sent the whole package back, and not only some of its tasks."""
    return assignment.outcome is Outcome.REJECTED and assignment.sent_back is None


def build_work_item(
    case: Case,
    assignment: Assignment,
    task: Task,
    choice: ModelChoice = ANY_MODEL,
    order: Order | None = None,
) -> WorkItem:
    """Return *task* as *assignment* sees it: with the predictions and the *order* of its options.

    Of several predictions, *choice* says which is shown to be corrected.
    """
    answer, draft = case.answers.get(assignment.id), case.drafts.get(assignment.id)
    version = count_versions(answer)
    if len(case.assignments) == 1:  # the first one: there is nothing to look up
        return WorkItem(task=task, answer=answer, draft=draft, version=version, order=order or {})
    # What came later is left out: a past review shows the answer that it judged, and not the one
    # that was given after it.
    past = case.before(assignment)
    votes = _find_votes_to_review(past, assignment)
    standing, package_comment = StandingJudgment(), ""
    if assignment.round > 1:
        standing, package_comment = _find_explanation(past, assignment)
    submitted = _hide_merge(find_submitted(past, assignment.stage), assignment)
    if assignment.decides:
        votes = tuple(find_shown_votes(case, assignment))
        submitted = _find_merged(case, assignment) or submitted
        comment = _find_escalation_comment(votes) or standing.comment
        standing = attrs.evolve(standing, comment=comment)
    return WorkItem(
        task=task,
        answer=answer,
        draft=draft,
        version=version,
        submitted=submitted,
        votes=votes,
        comment=standing.comment,
        reason=standing.reason,
        package_comment=package_comment,
        previous=_find_previous(case, assignment),
        prelabel=choice.choose(case.predictions),
        predictions=case.predictions,
        order=order or {},
    )


def _find_votes_to_review(past: Case, assignment: Assignment) -> tuple[Answer, ...]:
    """Return the votes on a task that *assignment* reviews, where they left something to decide."""
    label = past.find_labeling()
    # who labels it again is to have an opinion of their own
    if label is None or assignment.stage is Stage.LABEL:
        return ()
    merged = past.answers.get(label.id)
    if merged is None or not (merged.disputed or merged.kept):
        return ()
    return tuple(_iter_votes(past, label.round))


def _find_explanation(past: Case, assignment: Assignment) -> tuple[StandingJudgment, str]:
    """Return what was said of the task and of the package when they were last sent back.

    In a campaign that is what was said since it began, or why it did.
    """
    campaign = find_campaign(past.package, assignment.round)
    if campaign is None:
        return find_judgment(past, live=False), _find_package_comment(past)
    since = [each for each in past.assignments if is_in_campaign(campaign, each.round)]
    recent = past.with_assignments(since)
    standing = find_judgment(recent, live=False)
    standing = attrs.evolve(standing, comment=standing.comment or campaign.comment)
    return standing, _find_package_comment(recent) or campaign.comment


def _find_package_comment(past: Case) -> str:
    """Return what was said of the package when it was last sent back."""
    for assignment in reversed(past.assignments):
        if assignment.outcome is Outcome.REJECTED:
            return assignment.comment
    return ""


def _hide_merge(submitted: Answer | None, assignment: Assignment) -> Answer | None:
    """Return *submitted* without how its votes were merged, for who votes once more."""
    if submitted is None or assignment.stage is not Stage.LABEL:
        return submitted
    return attrs.evolve(submitted, merge=None)


def _iter_votes(case: Case, round: int) -> Iterator[Answer]:
    for assignment in case.assignments:
        answer = case.answers.get(assignment.id)
        if (
            answer is not None
            and assignment.outcome is Outcome.SUBMITTED
            and assignment.is_vote
            and assignment.round == round
        ):
            yield answer


def find_shown_votes(case: Case, assignment: Assignment) -> list[Answer]:
    """Return the votes that who decides the task by *assignment* is shown, and may pick."""
    return [answer for _, answer in _find_written(case, assignment)]


def _find_written(case: Case, decision: Assignment) -> list[tuple[Assignment, Answer]]:
    """Return what labelers have written about a task that *decision* decides, with who did.

    An adjudicator sees the votes, and an expert all that is there: also of who is still at work, or
    has given the package back after handing the task on.
    """
    written: list[tuple[Assignment, Answer]] = []
    for assignment in case.assignments:
        answer = case.answers.get(assignment.id)
        if answer is None or assignment.round != decision.round or assignment.member is None:
            continue
        if assignment.id == decision.id or assignment.stage is not decision.stage:
            continue
        if assignment.state is AssignmentState.RETURNED and not answer.is_escalated:
            continue
        # the word of an adjudicator is shown to an expert, and never the other way round
        if assignment.decides and decision.purpose is not Purpose.ESCALATION:
            continue
        written.append((assignment, answer))
    return written


def _find_merged(case: Case, decision: Assignment) -> Answer | None:
    """Return the merged votes of the round of *decision* on the task, with what is disputed."""
    for assignment in case.assignments:
        if assignment.outcome is Outcome.MERGED and assignment.round == decision.round:
            return case.answers.get(assignment.id)
    return None


def _find_escalation_comment(written: Sequence[Answer]) -> str:
    """Return what was written last to the experts: the comment, or the reason."""
    for answer in reversed(written):
        if answer.is_escalated:
            return answer.comment or answer.escalation_reason or ""
    return ""


def _find_previous(case: Case, assignment: Assignment) -> Answer | None:
    """Return what the last assignment that left the task, at the same stage and round, saved last.

    It was returned, or handed in without the task.  Of several voters each sees only their own: a
    member who gave an assignment back may still vote.
    """
    voting = case.is_being_voted_on and assignment.is_vote
    # what was given back, and not what was sent back: that is `submitted`
    earlier = [
        _find_last_saved(case, former)
        for former in case.assignments
        if former.id != assignment.id
        and (former.state is AssignmentState.RETURNED or not former.covers(case.task))
        and (former.stage, former.round) == (assignment.stage, assignment.round)
        and (former.member == assignment.member or not voting)
        and _shares_drafts(former, assignment)
    ]
    return next((saved for saved in reversed(earlier) if saved is not None), None)


def _find_last_saved(case: Case, assignment: Assignment) -> Answer | None:
    """Return what *assignment* saved last: its draft where that is newer, else its answer."""
    answer, draft = case.answers.get(assignment.id), case.drafts.get(assignment.id)
    if draft is not None and is_newer(draft, answer):
        return draft
    return answer


def _shares_drafts(returned: Assignment, assignment: Assignment) -> bool:
    """Return whether what *returned* left is a draft for *assignment*: both label, or decide so."""
    if returned.decides or assignment.decides:
        return returned.purpose is assignment.purpose
    return True


def must_fit_its_template(job: Job, operation: str) -> None:
    """Check that the answers of *job* have followed the last change of its template.

    Raises:
        Incomplete: when some have still to.
    """
    if job.pending_template_change is not None:
        reason = (
            "answers still follow a change of the template: "
            "if it broke off, change_template(job, []) goes on"
        )
        raise Incomplete(operation, reason)


def is_voted_on_in(package: Package, round: int) -> bool:
    """Return whether several members labeled *package* in this round, or do so now."""
    return package.votes > 1 and round >= package.voted_since
