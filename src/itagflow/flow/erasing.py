"""Erasing on request: a person's name, a task's data; keys, states, counts and the history of acts stay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, count, islice
from typing import Any

import attrs

from itagflow.flow import _find
from itagflow.flow._act import BLOCK, Block, Shell
from itagflow.flow._cases import numbers_in
from itagflow.flow._find import MemberRef, WorkspaceRef, paged
from itagflow.flow._turns import recounted
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.package import Assignment, Package
from itagflow.model.task import Answer, Task, Verdict, Work
from itagflow.model.template import Template
from itagflow.model.workspace import Member
from itagflow.rules import access, erasing, jobs, members
from itagflow.rules.access import Action
from itagflow.rules.change import Saved, record
from itagflow.rules.erasing import Texts
from itagflow.storage.port import Query, Span


class Erasing(Shell):
    """The verbs that erase what the law says must be erased."""

    def erase_member(self, workspace: WorkspaceRef, member: MemberRef, *, by: MemberRef) -> Member:
        """Erase the name of a member who was removed: their account becomes ``erased-<key>``, their groups go.

        No account can be of that form; where one was taken before that was refused, a number follows.

        Their key stays, and with it what they did.  The account is taken out of the history too, and out of the
        remarks and reasons that people wrote, where it stands as a word of its own; in blocks, the member last.
        When the process ends in between, call it again.  Erasing once more changes nothing.

        Raises:
            NotAllowed: when the member was not removed, or *by* may not erase.
        """
        with self.store.read() as reader:
            home = _find.workspace(reader, workspace).id
            access.check(self.policy, _find.member(reader, home, by), Action.ERASE, None, None)
            who = _find.member(reader, home, member)
        if who.erased:
            return who
        mark = self._free_mark(who)
        members.erased(who, mark)  # is refused before anything is rewritten
        texts = erasing.without_name(who.account, mark)
        settled = self._rename_events(who, mark)  # first, see `rules.erasing.remarks_on`
        for job in paged(self.store, Query(Job, {"workspace": home}, order=("id",))):
            self._rename_in(job, texts)
        with self._acting() as block:
            act = block.allowed(home, by, Action.ERASE)
            old = block.hold(Member, who.key)
            _rename(block, old, mark, block.store.find(_events(home, settled)))
            new = members.erased(old, mark)
            block.do(record(act, "erase_member", save=((old, new),), data={"name": new.account}))
            return block.store.get(Member, new.key)  # a store that keeps decoded members forgets the old one

    def erase_task(self, task: Task | Work | tuple[int, int], *, by: MemberRef, reason: str = "") -> Task:
        """Erase the data of a task, and what was said about it: replies, remarks and reasons.

        Its row keeps the fields that are shown, empty, and loses its row key and what else came with it.  State,
        counts, turns and events stay, without their content.  Nobody works on it any more: it leaves the scope of
        every turn that is offered or held, and of all that come, so that its package goes on without it.  Exports
        leave it out.  Erasing once more changes nothing.

        Args:
            task: The task, or its key: job and number.
            by: The member who decides.
            reason: Why; it stays in the history.

        Raises:
            NotFound: when there is no such task.
            NotAllowed: when the job is a draft, or *by* may not erase.
        """
        key = _find.key_of(Task, task)
        with self._acting() as block:
            job = block.job(key[0])
            act = block.allowed(job.workspace, by, Action.ERASE, job)
            jobs.must_not_be_a_draft(job, "erase a task")
            known = _find.stored_task(block.store, job.id, key[1] if isinstance(task, tuple) else task)
            package = block.hold_package((job.id, known.package))
            old = block.hold(Task, key)
            if old.erased:
                return old
            new = erasing.blank(old, block.store.get(Template, (job.template,)))
            save: list[Saved] = [(old, new)]
            emptied, said = _emptied(block, job, package, new)
            save += emptied
            data = {"reason": reason} if reason else {}
            block.do(record(act, "erase_task", about=package, task=new.number, save=save, data=data))
            for answer in said:
                _rewrite(block, answer)
            return block.as_stored(new)

    def _rename_in(self, job: Job, texts: Texts) -> None:
        """Take a name out of what the turns and answers of *job* remark, each in a block of its own."""
        for turn in paged(self.store, Query(Assignment, {"job": job.id}, order=("id",))):
            if texts(turn.remark) != turn.remark:
                with self._acting() as block:
                    now = block.hold(Assignment, turn.key)
                    block.replace(now, attrs.evolve(now, remark=texts(now.remark)))
        for kind in ({"verdict": Verdict.WRONG}, {"dropped": True}):  # these are remarked on
            query = Query(Answer, {"job": job.id, **kind}, order=("assignment", "task"))
            for answer in paged(self.store, query):
                if erasing.nameless_answer(answer, texts) != answer:
                    with self._acting() as block:
                        block.hold(Assignment, (answer.job, answer.assignment))
                        _rewrite(block, erasing.nameless_answer(block.store.get(Answer, answer.key), texts))

    def _free_mark(self, who: Member) -> str:
        """Return what the account of *who* becomes: nobody can take it, but somebody may have had it before that."""
        marks = chain([who.mark], (f"{who.mark}-{number}" for number in count(2)))
        with self.store.read() as reader:
            own = {"workspace": who.workspace}
            return next(mark for mark in marks if not reader.count(Query(Member, {**own, "account": mark})))

    def _rename_events(self, who: Member, mark: str) -> int:
        """Take the name of *who* out of the history so far, in blocks, and return up to which position that is."""
        settled = self.store.settled()
        for some in _batches(paged(self.store, _events(who.workspace, 0, settled))):
            if any(_nameless(event, who, mark) is not event for event in some):
                with self._acting() as block:
                    _rename(block, who, mark, some)
        return settled


def _events(workspace: int, after: int, last: int | None = None) -> Query[Event]:
    return Query(Event, {"workspace": workspace, "position": Span(after + 1, last)}, order=("position",))


def _batches(events: Iterator[Event]) -> Iterator[list[Event]]:
    while some := list(islice(events, BLOCK)):
        yield some


def _nameless(event: Event, who: Member, mark: str) -> Event:
    return erasing.nameless(event, who.account, mark)


def _rename(block: Block, who: Member, mark: str, events: Iterable[Event]) -> None:
    _save_events(block, events, lambda event: _nameless(event, who, mark))


def _save_events(block: Block, events: Iterable[Event], rewritten: Callable[[Event], Event]) -> None:
    """Save those of *events* that are *rewritten*, as they are once they are held: others may be erasing too."""
    for event in list(events):
        if rewritten(event) is not event:
            now = block.hold(Event, event.key)
            new = rewritten(now)
            if new is not now:
                block.replace(now, new)


def _emptied(block: Block, job: Job, package: Package, task: Task) -> tuple[list[Saved], list[Answer]]:
    """Rewrite the events of *package*, and return what is to be saved, and the answers to be rewritten, with *task*."""
    turns = block.turns(package)
    block.hold_turns(turn.key for turn in turns if turn.live)
    about: dict[str, Any] = {"job": job.id, "task": task.number}
    said = [answer for answer in block.store.find(Query(Answer, about, order=("assignment",))) if not answer.erased]
    where: dict[str, Any] = {"job": job.id, "package": package.number}
    events = list(block.store.find(Query(Event, where, order=("position",))))
    texts = erasing.without_remarks(erasing.remarks_on(task.number, said, events))
    silent = [erasing.silent(answer) for answer in said]
    tasks = numbers_in(block.store, package)
    after = erasing.reduced(package, task.number, tasks)
    pairs = [(turn, erasing.dismissed(turn, after, tasks, texts)) for turn in block.turns(package)]
    after = recounted(block, job, after, [new for _, new in pairs], silent)
    _save_events(block, events, lambda event: erasing.forgotten(event, task.number, texts))
    save: list[Saved] = [(package, after)]
    save += [(turn, new) for turn, new in pairs if new is not turn]
    return save, silent


def _rewrite(block: Block, answer: Answer) -> None:
    """Put *answer* in the place of the stored one with its version, which counts what was said and no erasing."""
    where: dict[str, Any] = {"job": answer.job, "assignment": answer.assignment, "task": answer.task}
    block.remove(Query(Answer, where), 1)
    block.add(answer)
