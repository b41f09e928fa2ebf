"""Comments: what people say to each other about tasks."""

from __future__ import annotations

from collections.abc import Iterator

from itagflow.comments import service as comments
from itagflow.comments.service import Entry
from itagflow.core.engine import Engine
from itagflow.core.lookup import Page, require_number
from itagflow.model.arguments import require_kind, require_optional_flag
from itagflow.model.comment import Comment, CommentAction, Thread
from itagflow.model.text import require_text
from itagflow.typing import JobRef, MemberRef, TaskPlace, ThreadRef


class Comments:
    """Comments: what people say to each other about tasks, in threads.

    What a reviewer writes to a judgment or a reject opens a thread by itself, and the next verdict
    on the task resolves it.  Open threads keep nobody from going on.
    """

    def __init__(self, engine: Engine) -> None:
        """Work over *engine*."""
        self._engine = engine

    def add(
        self,
        task: TaskPlace,
        text: str,
        *,
        by: MemberRef,
        thread: ThreadRef | None = None,
        annotation: str = "",
    ) -> Comment:
        """Say something about a task, in a new thread or in one that there is.

        Sent twice it is one entry: the last one of the thread is returned if it says the same.

        Args:
            task: The task, the work that shows it, or its job and number.
            text: What to say.
            by: Who says it: whoever may read what others did on the task, or works on it.
            thread: The thread that it goes on with, an entry of it, or its id; None: a new one.
            annotation: The id of the annotation that a new thread is about; empty: the whole task.

        Raises:
            NotFound: when there is no such task.
            InvalidData: when the text is empty or cannot be stored, or the task has no such thread.
            NotAllowed: when *by* may not read the task, its data was erased, or the job is a draft
                or archived.

        >>> import itagflow
        >>> from itagflow import FixedSize, templates
        >>> flow = itagflow.open("memory:")
        >>> street = flow.workspaces.create("street", admin="ada")
        >>> job = flow.jobs.create(
        ...     street, "signs", template=templates.image_classification(["stop", "yield"]),
        ...     data=[{"source": "1.jpg"}], packaging=FixedSize(1), by="ada",
        ... )
        >>> question = flow.comments.add((job, 1), "is this a sign?", by="ada")
        >>> answer = flow.comments.add((job, 1), "yes", thread=question, by="ada")
        >>> [len(thread.comments) for thread in flow.comments.list(job)]
        [2]
        """
        verb = "comments.add"
        text = require_text(verb, "text", text)
        annotation = require_text(verb, "annotation", annotation)
        key = None if thread is None else _get_thread_id(thread)
        entry = Entry(text, annotation=annotation, thread=key)
        return comments.write(self._engine, task, entry, by=by)

    def list(
        self,
        job: JobRef,
        *,
        task: TaskPlace | int | None = None,
        is_resolved: bool | None = None,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: Thread | None = None,
    ) -> Iterator[Thread]:
        """Yield the threads on the tasks of a job, task by task, oldest first.

        It reads every task of the job, unless one is named.

        Args:
            job: The job.
            task: Only those on this task.
            is_resolved: Only those that are resolved (True), or open (False).
            by: Who reads: all of them, if the member may see the work of others; else those on
                tasks that the member works or worked on.  What voters say is secret from those who
                may still vote on the package.
            limit: How many at the most.
            after: The last thread of the page before.

        Raises:
            NotFound: when there is no such job or task, *by* is nobody in its workspace, or *after*
                is a thread of another job.
            NotAllowed: when *by* may not read there, or was removed.
        """
        wanted = require_optional_flag("comments.list", "is_resolved", is_resolved)
        page = Page(limit, after)
        return comments.iter_threads(
            self._engine, job, task=task, is_resolved=wanted, by=by, page=page
        )

    def resolve(self, thread: Thread | Comment, *, by: MemberRef, text: str = "") -> Comment:
        """Close a thread, with a last word or without; it stays readable.

        Args:
            thread: The thread, or an entry of it.
            by: Who closes it; whoever may say something may do that.
            text: The last word.

        Raises:
            NotFound: when there is no such task, or *thread* is no thread.
            InvalidData: when the text cannot be stored, or the task has no such thread.
            NotAllowed: when *by* may not read the task, its data was erased, or the job is a draft
                or archived.
        """
        entry = _make_entry("comments.resolve", thread, text, CommentAction.RESOLVE)
        return comments.write(self._engine, thread, entry, by=by)

    def reopen(self, thread: Thread | Comment, *, by: MemberRef, text: str = "") -> Comment:
        """Open a thread again that was resolved; errors are those of `resolve`."""
        entry = _make_entry("comments.reopen", thread, text, CommentAction.REOPEN)
        return comments.write(self._engine, thread, entry, by=by)


def _make_entry(verb: str, thread: Thread | Comment, text: str, action: CommentAction) -> Entry:
    """Return what changes a thread.

    Raises:
        InvalidData: when *thread* is not one, or *text* is not a text.
    """
    text = require_text(verb, "text", text)
    known = require_kind(verb, "thread", thread, (Thread, Comment), "a Thread")
    return Entry(text, action=action, thread=_get_thread_id(known))


def _get_thread_id(thread: ThreadRef) -> int:
    """Return the id of a thread that is given as itself, as an entry of it, or as its id."""
    if isinstance(thread, Comment):
        return require_number(Comment, thread.thread)
    if isinstance(thread, Thread):
        return require_number(Comment, thread.id)
    return require_number(Comment, thread)
