"""Inside an assignment: read its tasks, answer, abandon or escalate them, pick a vote, submit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import attrs

from itagflow.comments.rules import with_threads
from itagflow.comments.service import read_hidden_at, read_of_item
from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import (
    AssignmentRef,
    MemberRef,
    TaskRef,
    describe_replaced,
    get_or_none,
    iterate_pages,
)
from itagflow.core.registry import Registry
from itagflow.core.transaction import Transaction
from itagflow.core.visibility import access_of
from itagflow.errors import Conflict, InvalidData
from itagflow.labeling import deciding_rules, draft_rules, rules
from itagflow.labeling.deciding_rules import EscalationFacts
from itagflow.labeling.rules import AnswerFacts, AnswerOutcome, shuffle_options
from itagflow.labeling.voting import MergeCall, MergeCalls, MergeOutcome
from itagflow.lifecycle.tables import must_be_of, must_not_be_returned
from itagflow.model.arguments import require_flag
from itagflow.model.copying import evolve
from itagflow.model.event import Event
from itagflow.model.job import Crew, Job, Stage
from itagflow.model.package import Assignment
from itagflow.model.reply import Reply
from itagflow.model.task import Answer, Draft, Task, WorkItem
from itagflow.model.template import Template
from itagflow.model.terms import NO_TERMS, Replied, SaveTerms, SubmitTerms, require_pick
from itagflow.model.text import require_text
from itagflow.printing import format_repr, make_printable
from itagflow.results import rules as results_rules
from itagflow.results.histories import read_cases
from itagflow.results.rules import Case, ModelChoice, find_shown_votes
from itagflow.reviewing import submitting_rules
from itagflow.reviewing.service import has_free_crew, lock_unless_completed, read_completion
from itagflow.storage.port import Query, Reader, Span

PAGE = 100
"""How many tasks of an assignment are fetched in one read transaction."""


@attrs.frozen
class Said:
    """What is said of a task: a reply, or the vote that is picked instead."""

    reply: Replied | None
    """The reply; None where a vote is picked."""
    pick: Answer | None = attrs.field(default=None, kw_only=True)
    """The vote that wins."""
    is_draft: bool = attrs.field(default=False, kw_only=True)
    """Whether it lies beside the answer."""


def parse_said(reply: Replied | None, pick: Answer | None, *, draft: bool) -> Said:
    """Return what `Flow.save` is given.

    Raises:
        InvalidData: when *draft* is neither True nor False.
    """
    return Said(reply, pick=pick, is_draft=require_flag("save", "draft", draft))


def tasks(
    engine: Engine,
    assignment: AssignmentRef,
    *,
    choice: ModelChoice = results_rules.ANY_MODEL,
    by: MemberRef | None = None,
) -> Iterator[WorkItem]:
    """Yield the tasks of an assignment, in order, each with all that its holder needs to see."""
    with engine.store.read() as reader:
        _require_visible(engine, reader, assignment, by)

    def read_page(reader: Reader, after: int) -> tuple[list[WorkItem], int | None]:
        # asked again for each page: the assignment may have been taken away meanwhile
        current, job = _require_visible(engine, reader, assignment, by)
        page = _read_tasks(reader, current, after)
        template = engine.cache.template(reader, job)
        comments = read_of_item(reader, job, page)
        hidden = read_hidden_at(reader, job, current)
        # whoever reads them: they are shown to the holder
        cases = add_drafts(reader, list(read_cases(reader, job, page, reviewed_at=current.stage)))
        items = list[WorkItem]()
        for case, task in zip(cases, page, strict=True):
            order = shuffle_options(template, job.seed, task.number, current.member)
            item = results_rules.build_work_item(case, current, task, choice, order)
            items.append(with_threads(item, case, current, comments[task.number], hidden))
        if len(page) < PAGE:
            return items, None
        return items, page[-1].number

    return iterate_pages(engine.store, read_page, 0)


def save(
    engine: Engine,
    assignment: AssignmentRef,
    task: TaskRef,
    said: Said,
    *,
    terms: SaveTerms = NO_TERMS,
    by: MemberRef | None = None,
) -> Answer:
    """Save an answer, a draft beside it, or the vote that is picked, and return it as stored.

    Raises:
        InvalidData: when the reply does not fit, or a vote is given beside one.
    """
    if said.pick is not None:
        vote = require_pick(said.pick, said.reply, draft=said.is_draft)
        with engine.transaction() as transaction:
            facts = lock_for_answering(transaction, "save", assignment, [task], by)
            return _pick_vote(transaction, evolve(facts, terms=terms), vote)
    # that None is no reply is said with the task and the question
    reply = cast("Replied", said.reply)
    if not said.is_draft:
        return _save(engine, assignment, [(task, reply)], terms, by)[0]
    # the validator is for complete answers: it is not asked
    with engine.transaction() as transaction:
        facts = lock_for_answering(transaction, "save", assignment, [task], by)
        facts = evolve(facts, terms=terms)
        return apply(transaction, draft_rules.save_draft(facts, reply))[0]


def save_many(
    engine: Engine,
    assignment: AssignmentRef,
    replies: Mapping[int, Replied] | Iterable[tuple[TaskRef, Replied]],
    *,
    terms: SaveTerms = NO_TERMS,
    by: MemberRef | None = None,
) -> list[Answer]:
    """Save the answers to several tasks, all or none, as one act; errors are those of `save`."""
    if isinstance(replies, Mapping):
        replies = cast("Mapping[int, Replied]", replies).items()
    return _save(engine, assignment, list[tuple[TaskRef, Replied]](replies), terms, by)


def abandon(
    engine: Engine,
    assignment: AssignmentRef,
    task: TaskRef,
    reason: str,
    *,
    terms: SaveTerms = NO_TERMS,
    by: MemberRef | None = None,
) -> Answer:
    """Give a task up, with a reason; what was saved stays with it, and `restore` brings it back."""
    with engine.transaction() as transaction:
        facts = lock_for_answering(transaction, "abandon", assignment, [task], by)
        facts = evolve(facts, terms=terms)
        return apply(transaction, rules.abandon(facts, reason))[0]


def restore(
    engine: Engine,
    assignment: AssignmentRef,
    task: TaskRef,
    *,
    terms: SaveTerms = NO_TERMS,
    by: MemberRef | None = None,
) -> Answer:
    """Undo that a task was abandoned, by the member or, in review, by the labeler."""
    with engine.transaction() as transaction:
        facts = lock_for_answering(transaction, "restore", assignment, [task], by)
        was_restored = _find_last_operation(transaction, facts) == "restore"
        facts = evolve(facts, terms=terms, was_restored=was_restored)
        case = None
        if facts.assignment.stage is not Stage.LABEL:
            # a reviewer undoes what was decided before, which only the history of the task tells
            case = next(read_cases(transaction.store, facts.job, facts.tasks))
        return apply(transaction, rules.restore(facts, case))[0]


def submit(
    engine: Engine, assignment: AssignmentRef, terms: SubmitTerms, *, by: MemberRef | None = None
) -> Assignment:
    """Submit a labeled package, or a part of it; when everything is in, it moves on."""
    calls = MergeCalls()
    while True:
        with engine.transaction() as transaction:
            context = lock_unless_completed(
                transaction, "submit", assignment, by, seconds=terms.seconds
            )
            if isinstance(context, Assignment):
                return context
            facts = read_completion(transaction, context, releases_rest=terms.releases_rest)
            facts = evolve(facts, merge_calls=calls)
            if context.assignment.has_drafts and not terms.ignore_drafts:
                newer = _find_newer_drafts(transaction, context.assignment)
                facts = evolve(facts, drafts=newer)
            missing = submitting_rules.find_merge_calls(facts)
            if not missing:
                transaction.apply(submitting_rules.submit(facts))
                return transaction.as_stored(context.assignment)
        # Code of the application runs while nothing is locked: it may take long, or use the Flow.
        # What it said of votes that are others by then is not found, and asked again.
        for call in missing:
            calls.add(call, call_merge(engine.registry, call))


@attrs.frozen
class Handover:
    """What is said about a task that goes to the experts."""

    comment: str = ""
    """What its labeler writes to them."""
    reason: str = ""
    """Why it goes to them."""


def parse_handover(comment: str, reason: str) -> Handover:
    """Return what `Flow.escalate` is given.

    Raises:
        InvalidData: when one of them is no text.
    """
    comment = require_text("escalate", "comment", comment)
    return Handover(comment, require_text("escalate", "reason", reason))


def escalate(
    engine: Engine,
    assignment: AssignmentRef,
    task: TaskRef,
    handover: Handover,
    *,
    by: MemberRef | None = None,
) -> Answer:
    """Hand a task to the experts; it counts as settled for the assignment."""
    with engine.transaction() as transaction:
        # the package first: it may get one more assignment
        package, locked = transaction.lock_assignment(assignment)
        answers = lock_for_answering(transaction, "escalate", assignment, [task], by)
        assignments = [
            each for each in transaction.assignments(package) if each.round == package.round
        ]
        live = deciding_rules.find_extendable(locked, assignments)
        if live is not None:
            # its holder may be saving answers, which locks nothing but the assignment
            current = transaction.lock(Assignment, live.key)
            assignments = [current if each.id == live.id else each for each in assignments]
        facts = EscalationFacts(
            answers=answers,
            package=package,
            assignments=assignments,
            has_experts=has_free_crew(transaction, answers.job, Crew.EXPERTS, assignments),
            id=transaction.new_id(Assignment, package.job),
        )
        outcome = deciding_rules.escalate(facts, handover.comment, handover.reason)
        return apply(transaction, outcome)[0]


def _pick_vote(transaction: Transaction, facts: AnswerFacts, vote: Answer) -> Answer:
    """Answer the one task with a vote that the assignment shows."""
    case = next(read_cases(transaction.store, facts.job, facts.tasks))
    chosen = deciding_rules.find_vote(find_shown_votes(case, facts.assignment), vote)
    return apply(transaction, deciding_rules.pick_vote(facts, chosen))[0]


MAX_REASON = 500
"""How many characters of an error of the application are kept as the reason of a dispute."""


def call_merge(registry: Registry, call: MergeCall) -> MergeOutcome:
    """Return what the application's merge function makes of the replies to a question.

    What it raises is no error of who submits: it makes a dispute, with that reason.

    Raises:
        NotRegistered: when this process does not have the function.
    """
    merge = registry.find_merge(call.name)
    try:
        reply = merge(call.question, call.replies)
    except Exception as error:
        reason = f"{call.name!r} raised {type(error).__name__}: {error}"
        return MergeOutcome(reason=make_printable(reason)[:MAX_REASON])
    if reply is None or isinstance(cast(object, reply), Reply):
        return MergeOutcome(reply=reply)
    return MergeOutcome(reason=f"{call.name!r} returned {format_repr(reply)}, which is no reply")


def run_validator(
    engine: Engine,
    assignment: AssignmentRef,
    replies: Sequence[tuple[TaskRef, Replied]],
    by: MemberRef | None,
) -> str:
    """Ask the job's validator, outside of any transaction: it may take long, or use the Flow.

    Returns:
        The name of the validator, for `require_validated`; "" where none was asked.

    Raises:
        NotHeld: when the assignment is not that of the member *by*.
        NotRegistered: when this process does not have the validator.
        InvalidData: when it names problems.
    """
    # A process that has no validators need not read which one the job wants: that is one query
    # less for each save.  `require_validated` refuses it where the job wants one.
    if not engine.registry.validators:
        return ""
    with engine.store.read() as reader:
        stored = lookup.assignment(reader, assignment)
        job = reader.get(Job, (stored.job,))
        if not job.validator:
            return ""
        if by is not None:  # nobody else is told what is wrong with an answer
            must_be_of(stored, lookup.member(reader, job.workspace, by))
        validator = engine.registry.find_validator(job.validator)
        template = reader.get(Template, (job.template,))
        tasks = [lookup.task(reader, job.id, task) for task, _ in replies]
    fitting = rules.fit_replies(template, tasks, [reply for _, reply in replies])
    for task, task_replies in zip(tasks, fitting, strict=True):
        problems = list(validator(task, task_replies))
        if problems:
            raise InvalidData(f"the answer to {task}", problems)
    return job.validator


def require_validated(transaction: Transaction, job: Job, validated_by: str) -> None:
    """Check that the validator that *job* has now was asked, before this transaction began.

    Raises:
        NotRegistered: when it was not, since this process does not have it.
        Conflict: when it was not, since the job was given another one meanwhile.
    """
    if not job.validator or job.validator == validated_by:
        return
    transaction.registry.find_validator(job.validator)
    raise Conflict("Job", job.name)


def lock_for_answering(
    transaction: Transaction,
    operation: str,
    ref: AssignmentRef,
    tasks: Sequence[TaskRef],
    by: MemberRef | None,
) -> AnswerFacts:
    """Lock an assignment, and read what a rule about answers to some of its tasks decides on.

    Only the assignment is locked: labelers of one package do not wait for each other, and nothing
    of the package changes until they submit.

    Raises:
        NotHeld: when it is not held, or not by the member *by*.
        NotAllowed: when its job does not let work go on, or the policy does not let its holder work
            there.
        NotFound: when there is no such task in the job.
    """
    key = lookup.find_key(transaction.store, Assignment, ref)
    assignment = lookup.require_same(ref, transaction.lock(Assignment, key))
    # read behind the lock: a change of the template waits for the assignment, so this template is
    # the one that the answers are checked against when they are stored
    job = transaction.store.get(Job, (assignment.job,))
    ctx = transaction.authorize_holder(job, assignment, operation, by)
    named = [lookup.task(transaction.store, job.id, task) for task in tasks]
    answers = [
        get_or_none(transaction.store, Answer, (*assignment.key, task.number)) for task in named
    ]
    previous: dict[str, Any] = {}
    if any(answers):  # most saves are the first of their task
        previous = describe_replaced(*answers)
    known_drafts = list[Draft]()
    if assignment.has_drafts:
        known_drafts = _find_drafts(transaction.store, assignment, named)
    return AnswerFacts(
        job=job,
        template=transaction.cache.template(transaction.store, job),
        assignment=assignment,
        ctx=ctx,
        tasks=named,
        answers=answers,
        previous=previous,
        drafts={draft.task: draft for draft in known_drafts},
    )


def apply(transaction: Transaction, outcome: AnswerOutcome) -> list[Answer]:
    """Store what a rule about answers decided, and return the answers as they are stored then."""
    if outcome.change is not None:
        transaction.apply(outcome.change)
    if outcome.assignment is not None:
        transaction.replace(*outcome.assignment)
    for answer in outcome.rewritten:
        transaction.rewrite(answer)
    for draft in outcome.removed_drafts:
        where = {"job": draft.job, "assignment": draft.assignment, "task": draft.task}
        transaction.remove(Query(Draft, where), 1)
    if outcome.draft is not None:
        _store_draft(transaction, *outcome.draft)
    return [transaction.as_stored(answer) for answer in outcome.answers]


def _save(
    engine: Engine,
    assignment: AssignmentRef,
    replies: Sequence[tuple[TaskRef, Replied]],
    terms: SaveTerms,
    by: MemberRef | None,
) -> list[Answer]:
    validated_by = run_validator(engine, assignment, replies, by)
    # the validator has seen what was sent; whether it fits is decided again behind the lock
    with engine.transaction() as transaction:
        tasks = [task for task, _ in replies]
        facts = lock_for_answering(transaction, "save", assignment, tasks, by)
        require_validated(transaction, facts.job, validated_by)
        if terms is not NO_TERMS:
            facts = evolve(facts, terms=terms)
        return apply(transaction, rules.save_answers(facts, [reply for _, reply in replies]))


def add_drafts(reader: Reader, cases: Sequence[Case]) -> Sequence[Case]:
    """Return *cases*, which are of one package, with the drafts of their tasks."""
    # most packages never had a draft, and need no query
    if not cases or not any(assignment.has_drafts for assignment in cases[0].assignments):
        return cases
    package = cases[0].package
    where: dict[str, Any] = {
        "job": package.job,
        "package": package.number,
        "task": tuple(case.task for case in cases),
    }
    by_task: dict[int, dict[int, Draft]] = {case.task: {} for case in cases}
    for draft in reader.find(Query(Draft, where)):
        by_task[draft.task][draft.assignment] = draft
    return [attrs.evolve(case, drafts=by_task[case.task]) for case in cases]


def _find_drafts(reader: Reader, assignment: Assignment, tasks: Sequence[Task]) -> list[Draft]:
    where: dict[str, Any] = {
        "job": assignment.job,
        "assignment": assignment.id,
        "task": tuple(task.number for task in tasks),
    }
    return list(reader.find(Query(Draft, where)))


def _find_newer_drafts(transaction: Transaction, assignment: Assignment) -> tuple[int, ...]:
    """Return the tasks of the locked *assignment* whose draft is newer than a complete answer."""
    where: dict[str, Any] = {"job": assignment.job, "assignment": assignment.id}
    known = list(transaction.store.find(Query(Draft, where)))
    if not known:
        return ()
    where["task"] = tuple(draft.task for draft in known)
    answers = {answer.task: answer for answer in transaction.store.find(Query(Answer, where))}
    return draft_rules.find_newer_drafts(known, answers)


def _find_last_operation(transaction: Transaction, facts: AnswerFacts) -> str:
    """Return the type of the last event of the assignment about its one task, where it matters."""
    (task,), (answer,) = facts.tasks, facts.answers
    if answer is None or answer.is_abandoned:
        return ""  # it can be restored: nobody asks whether it was
    where: dict[str, Any] = {
        "job": task.job,
        "package": task.package,
        "assignment": facts.assignment.id,
        "task": task.number,
    }
    event = lookup.first(transaction.store, Query(Event, where, order=("-position",), limit=1))
    return "" if event is None else event.type


def _store_draft(transaction: Transaction, old: Draft | None, new: Draft) -> None:
    if old is None:
        transaction.add(new)
    else:
        transaction.replace(old, new)


def _require_visible(
    engine: Engine, reader: Reader, ref: AssignmentRef, by: MemberRef | None
) -> tuple[Assignment, Job]:
    """Return an assignment and its job as they are now, if *by* may see its tasks."""
    assignment = lookup.assignment(reader, ref)
    job = reader.get(Job, (assignment.job,))
    reading = access_of(reader, engine.policy, job.workspace, by)
    if reading.member is not None:
        must_be_of(assignment, reading.member)
        must_not_be_returned(assignment)
        reading.require("tasks", job, own=True)
    return assignment, job


def _read_tasks(reader: Reader, assignment: Assignment, after: int) -> list[Task]:
    """Return the next tasks in the scope of the assignment, behind the task with this number."""
    where: dict[str, Any] = {
        "job": assignment.job,
        "package": assignment.package,
        "number": Span(after + 1, None),
    }
    if assignment.scope is not None:
        where["number"] = tuple(number for number in assignment.scope if number > after)[:PAGE]
    return list(reader.find(Query(Task, where, order=("number",), limit=PAGE)))
