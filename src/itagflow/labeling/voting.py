"""How several labelers' votes on one package become one answer per task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from itagflow.claiming import part_rules
from itagflow.labeling.merge_rules import (
    Decision,
    Poll,
    choose_default,
    decide_left_out,
    find_rule_error,
    merge_replies,
    says_same,
)
from itagflow.model.change import Context
from itagflow.model.copying import evolve
from itagflow.model.job import Label
from itagflow.model.merging import Merge, MergeReport, OnDispute, QuestionMerge
from itagflow.model.package import Assignment, Outcome
from itagflow.model.reply import Reply
from itagflow.model.task import Answer
from itagflow.model.template import Question, Template
from itagflow.validation.answers import find_reply_problems, is_dependent_asked, walk_questions


@attrs.frozen
class MergeCall:
    """What a merge function of the application is asked."""

    task: int
    """The number of the task."""
    question: Question
    """The question."""
    name: str
    """The name of the function."""
    replies: tuple[Reply, ...]
    """What the voters replied, in the order of their assignments."""


@attrs.frozen(kw_only=True)
class MergeOutcome:
    """What a merge function of the application made of it."""

    reply: Reply | None = None
    """The reply that it returned."""
    reason: str = ""
    """Why there is none; empty when there is one."""


FindOutcome = Callable[[MergeCall], MergeOutcome | None]
"""Returns what a merge function made of a call; None when it was not called yet."""


@attrs.define
class MergeCalls:
    """The merge functions that were called, and those that are still to be.

    They are code of the application, so they run while no transaction is open: one attempt to merge
    finds what is to be called, and the next one has it.
    """

    outcomes: dict[tuple[int, str], tuple[MergeCall, MergeOutcome]] = attrs.field(
        factory=dict[tuple[int, str], tuple[MergeCall, MergeOutcome]]
    )
    """What was called for each task and question, and what came of it."""
    missing: list[MergeCall] = attrs.field(factory=list[MergeCall])
    """What the last attempt to merge lacked."""

    def find(self, call: MergeCall) -> MergeOutcome | None:
        """Return what came of this very call; note it as missing when it was not made."""
        known = self.outcomes.get((call.task, call.question.id))
        # another call when a vote was changed in between
        if known is not None and known[0] == call:
            return known[1]
        self.missing.append(call)
        return None

    def add(self, call: MergeCall, outcome: MergeOutcome) -> None:
        """Note what came of a call."""
        self.outcomes[call.task, call.question.id] = (call, outcome)


@attrs.frozen(kw_only=True)
class VotingRules:
    """By what the votes on a task are merged."""

    min_votes: int = 1
    """How many replies a question needs."""
    merges: Mapping[str, Merge] = attrs.field(factory=dict[str, Merge])
    """The rules of questions, by id; the others have the default of their kind."""
    on_dispute: OnDispute = OnDispute.REVIEW
    """What happens where a question is disputed."""
    agree: float | None = None
    """Which share of the votes on a question must agree; None: its rule alone decides."""
    find_outcome: FindOutcome = attrs.field(factory=lambda: MergeCalls().find)
    """Says what the application's functions made of the votes."""

    def choose_rule(self, question: Question) -> Merge:
        """Return the rule of *question*."""
        rule = self.merges.get(question.id)
        # a change of the template may have made another kind of question of it
        if rule is None or find_rule_error(question, rule):
            return choose_default(question)
        return rule


@attrs.frozen(kw_only=True)
class Merged:
    """The outcome of the votes on one task."""

    replies: Mapping[str, Reply] | None = None
    """The merged replies; None when the task is abandoned."""
    abandoned: str | None = None
    """Why it is abandoned, when most voters gave it up."""
    disputed: tuple[str, ...] = ()
    """The questions that the votes have not settled."""
    kept: tuple[str, ...] = ()
    """The questions whose replies are all kept."""
    report: MergeReport
    """Who voted, and what each question came to."""


def make_voting_rules(label: Label, find_outcome: FindOutcome) -> VotingRules:
    """Return the rules by which the votes of a job are merged."""
    return VotingRules(
        min_votes=label.min_votes,
        merges=label.merge,
        on_dispute=label.on_dispute,
        agree=label.agree,
        find_outcome=find_outcome,
    )


def remake_voting_rules(merged: Answer, report: MergeReport) -> VotingRules:
    """Return the rules by which the votes of a *merged* answer were merged, as its report says.

    What a function of the application returned is taken as it is: its code may have changed since.
    """

    def find_stored(call: MergeCall) -> MergeOutcome:
        id = call.question.id
        known = report.questions.get(id, QuestionMerge(rule=Merge(call.name)))
        return MergeOutcome(reply=(merged.replies or {}).get(id), reason=known.reason)

    return VotingRules(
        min_votes=report.min_votes,
        merges={id: merge.rule for id, merge in report.questions.items()},
        on_dispute=report.on_dispute,
        agree=report.agree,
        find_outcome=find_stored,
    )


@attrs.frozen(kw_only=True)
class VotedRound:
    """A round of votes on a package that the last one completes."""

    last: Assignment
    """The vote that came last, as it ended."""
    assignments: Sequence[Assignment]
    """Every assignment of the package, oldest first, with the last vote as it ended."""
    tasks: Sequence[int]
    """The tasks that are voted on."""
    answers: Mapping[int, Mapping[int, Answer]]
    """Every answer to these, by task and by assignment."""

    def collect_votes(self) -> list[list[Answer]]:
        """Return the votes on each task."""
        # in the order of their assignments: of equal replies the first is taken
        voters = part_rules.find_voters(self.assignments, self.last.round)
        votes: list[list[Answer]] = []
        for task in self.tasks:
            given = self.answers[task]
            votes.append(part_rules.select_votes([given[id] for id in voters if id in given]))
        return votes


def merge_round(
    voted: VotedRound, template: Template, rules: VotingRules, ctx: Context, *, id: int
) -> tuple[Assignment, tuple[Answer, ...]]:
    """Return the merged votes of a round: an assignment without a member, and its answers."""
    merged = evolve(
        voted.last,
        id=id,
        member=None,
        outcome=Outcome.MERGED,
        token="",
        authored=False,
        version=0,
    )
    answers: list[Answer] = []
    for task_votes in voted.collect_votes():
        winner = merge(template, task_votes, rules)
        first = task_votes[0]
        answers.append(
            Answer(
                job=first.job,
                assignment=id,
                task=first.task,
                package=first.package,
                stage=first.stage,
                round=first.round,
                member=None,
                at=ctx.at,
                replies=winner.replies,
                abandon_reason=winner.abandoned,
                disputed=winner.disputed,
                kept=winner.kept,
                merge=winner.report,
                template_version=max(vote.template_version for vote in task_votes),
            )
        )
    return merged, tuple(answers)


def is_to_be_decided(merged: Answer) -> bool:
    """Return whether *merged* votes leave something to a review: a dispute that is not kept."""
    is_kept = merged.merge is not None and merged.merge.on_dispute is OnDispute.KEEP
    return bool(merged.disputed) and not is_kept


def merge(template: Template, votes: Sequence[Answer], rules: VotingRules) -> Merged:
    """Return what the *votes* on one task come to.

    The task is abandoned if more gave it up than answered it, and at least `min_votes` did.  Else
    these count as no votes, and each question is merged by its rule, in the order of the template;
    one whose condition the merged replies do not meet is dropped.
    """
    answered = [vote for vote in votes if not vote.is_abandoned]
    reasons = [vote.abandon_reason for vote in votes if vote.abandon_reason is not None]
    report = MergeReport(
        voters=_list_members(votes),
        abandoned_by=_list_members(vote for vote in votes if vote.is_abandoned),
        min_votes=rules.min_votes,
        on_dispute=rules.on_dispute,
        agree=rules.agree,
    )
    if len(reasons) >= rules.min_votes and len(reasons) > len(answered):
        # the reason that most of them gave; of equals the first, so the order of votes decides
        return Merged(abandoned=max(reasons, key=reasons.count), report=report)
    merging = _Merging(template, answered, rules)
    for question in template.questions:
        merging.add(question)
    return Merged(
        replies=merging.replies,
        disputed=tuple(merging.disputed),
        kept=tuple(merging.kept),
        report=attrs.evolve(report, questions=merging.questions),
    )


@attrs.define
class _Merging:
    """The questions of one task as they are merged, one after the other."""

    template: Template
    votes: Sequence[Answer]
    rules: VotingRules
    replies: dict[str, Reply] = attrs.field(factory=dict[str, Reply])
    disputed: list[str] = attrs.field(factory=list[str])
    kept: list[str] = attrs.field(factory=list[str])
    questions: dict[str, QuestionMerge] = attrs.field(factory=dict[str, QuestionMerge])

    def add(self, question: Question) -> None:
        """Merge the replies to *question*, and to those that are asked because of the outcome."""
        asked = [vote for vote in self.votes if _is_asked(self.template, question, vote)]
        rule = self.rules.choose_rule(question)
        decision = self._decide(question, rule, asked)
        self.questions[question.id] = QuestionMerge(
            rule=rule,
            voters=_list_members(asked),
            counts=decision.counts,
            confidence=decision.confidence,
            number=decision.number,
            reason=decision.reason,
        )
        if decision.reason:
            self.disputed.append(question.id)
        elif decision.is_kept:
            self.kept.append(question.id)
        elif decision.reply is not None:
            self.replies[question.id] = decision.reply
        for child in question.dependents:
            if is_dependent_asked(child, self.replies.get(question.id)):
                self.add(child)

    def _decide(self, question: Question, rule: Merge, asked: Sequence[Answer]) -> Decision:
        replies = [(vote.replies or {}).get(question.id) for vote in asked]
        poll = Poll(question, replies, self.rules.min_votes)
        if rule.is_registered:
            decision = self._decide_by_application(rule, poll, self.votes[0].task)
        else:
            decision = merge_replies(rule, poll)
        if decision.reason or decision.is_kept:
            return decision
        reason = _explain_refusal(self.template, question, decision.reply)
        reason = reason or _explain_disagreement(decision, self.rules.agree)
        if not reason:
            return decision
        return attrs.evolve(decision, reply=None, confidence=None, reason=reason)

    def _decide_by_application(self, rule: Merge, poll: Poll, task: int) -> Decision:
        """Return what a function of the application made of the replies that there are."""
        if decision := decide_left_out(poll):
            return decision
        counts = tuple(map(len, poll.groups))
        call = MergeCall(task, poll.question, rule.name, tuple(poll.given))
        outcome = self.rules.find_outcome(call) or MergeOutcome(reason="is not merged yet")
        if outcome.reply is None:
            reason = outcome.reason or f"{rule.name!r} returned no reply"
            return Decision(counts=counts, reason=reason)
        agreeing = sum(says_same(outcome.reply, reply) for reply in poll.given)
        confidence = agreeing / len(poll.given)
        return Decision(reply=outcome.reply, counts=counts, confidence=confidence)


def _is_asked(template: Template, question: Question, vote: Answer) -> bool:
    """Return whether the voter's own replies led to *question*."""
    replies = vote.replies or {}
    return any(
        applies
        for top in template.questions
        for each, _, applies in walk_questions(top, lambda each: replies.get(each.id))
        if each.id == question.id
    )


def _explain_refusal(template: Template, question: Question, reply: Reply | None) -> str:
    """Return why the template refuses a merged reply; empty when it does not."""
    if reply is None:
        return "most left it out, and it is required" if question.required else ""
    # without the task: what it says of the data was checked when the votes were saved
    return "; ".join(map(str, find_reply_problems(template, question, reply)))


def _explain_disagreement(decision: Decision, agree: float | None) -> str:
    """Return why too few votes agree, though there is a reply; empty when enough do."""
    share = decision.confidence if decision.agreement is None else decision.agreement
    # shares such as 2/3 have no exact float
    if agree is None or share is None or share >= agree - 1e-12:
        return ""
    if decision.agreement is not None:
        return f"the votes agree by {share:.0%} (F1), and must by {agree:.0%}"
    return f"{share:.0%} of the votes agree, and {agree:.0%} must"


def _list_members(votes: Iterable[Answer]) -> tuple[int, ...]:
    return tuple(vote.member for vote in votes if vote.member is not None)
