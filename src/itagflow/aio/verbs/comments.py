# Generated from itagflow.api.comments by tests/docs/pins/write.py: change that, and run this.
"""Comments: what people say to each other about tasks, in threads; awaited."""

from __future__ import annotations

from functools import partial

from itagflow.aio.items import AsyncItems
from itagflow.aio.pool import ThreadPool
from itagflow.api.comments import Comments
from itagflow.model.comment import Comment, Thread
from itagflow.typing import JobRef, MemberRef, TaskPlace, ThreadRef


class AsyncComments:
    """Comments: what people say to each other about tasks, in threads; awaited."""

    def __init__(self, pool: ThreadPool, comments: Comments) -> None:
        """Do the work of *comments* in the threads of *pool*."""
        self._pool = pool
        self._comments = comments

    async def add(
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
        """
        return await self._pool.run(
            self._comments.add, task, text, by=by, thread=thread, annotation=annotation
        )

    def list(
        self,
        job: JobRef,
        *,
        task: TaskPlace | int | None = None,
        is_resolved: bool | None = None,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: Thread | None = None,
    ) -> AsyncItems[Thread]:
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
        verb = partial(
            self._comments.list, job, task=task, is_resolved=is_resolved, by=by, limit=limit,
            after=after,
        )
        return AsyncItems(self._pool, verb)

    async def resolve(self, thread: Thread | Comment, *, by: MemberRef, text: str = "") -> Comment:
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
        return await self._pool.run(self._comments.resolve, thread, by=by, text=text)

    async def reopen(self, thread: Thread | Comment, *, by: MemberRef, text: str = "") -> Comment:
        """Open a thread again that was resolved; errors are those of `resolve`."""
        return await self._pool.run(self._comments.reopen, thread, by=by, text=text)
