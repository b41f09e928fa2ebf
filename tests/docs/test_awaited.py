"""Every verb has an async twin with the same signature, and the twins are as they are generated."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.pins import awaited

import itagflow
from itagflow.aio import AsyncFlow, AsyncItems


def test_the_async_verbs_are_as_they_are_generated() -> None:
    texts = awaited.render()
    found = {path.name: path.read_text("utf-8") for path in awaited.FOLDER.glob("*.py")}
    different = {name for name in texts.keys() | found.keys() if texts.get(name) != found.get(name)}
    assert not different, "run: python tests/docs/pins/write.py"


def verbs_of(space: Any, prefix: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    """The verbs of a Flow, or of a namespace, by their path."""
    for name in dir(type(space)):
        if not name.startswith("_") and inspect.isfunction(getattr(type(space), name)):
            yield f"{prefix}{name}", getattr(type(space), name)


def all_verbs(flow: Any) -> dict[str, Callable[..., Any]]:
    """The verbs of a Flow, sync or async, and of its namespaces."""
    found = dict(verbs_of(flow))
    for name, space in vars(flow).items():
        if not name.startswith("_"):
            found.update(verbs_of(space, f"{name}."))
    return found


with itagflow.open("memory:") as _flow:
    SYNC = all_verbs(_flow)
    _async_flow = AsyncFlow(_flow)
    TWINS = all_verbs(_async_flow)
    _async_flow._pool.abandon()
ONLY_ASYNC = {"iterate", "run"}


def test_there_are_the_same_verbs() -> None:
    assert TWINS.keys() - SYNC.keys() == ONLY_ASYNC
    assert SYNC.keys() - TWINS.keys() == set()
    assert len(SYNC) > 70


@pytest.mark.parametrize("path", sorted(SYNC))
def test_a_twin_takes_and_returns_the_same(path: str) -> None:
    sync, twin = inspect.signature(SYNC[path]), inspect.signature(TWINS[path])
    assert list(twin.parameters.values()) == list(sync.parameters.values())
    yields = re.fullmatch(r"Iterator\[(.*)\]", sync.return_annotation)
    if yields:
        assert twin.return_annotation == f"{AsyncItems.__name__}[{yields[1]}]"
    else:
        assert twin.return_annotation == sync.return_annotation
    # what is gone through is returned at once: `async for item in flow.tasks(assignment)`
    assert inspect.iscoroutinefunction(TWINS[path]) is not bool(yields)


@pytest.mark.parametrize("path", sorted(SYNC))
def test_a_twin_says_what_the_verb_says(path: str) -> None:
    said, text = inspect.getdoc(TWINS[path]) or "", inspect.getdoc(SYNC[path]) or ""
    if path == "close":
        assert said.startswith("Close the store")
        return
    assert said
    assert text.startswith(said)
    assert ">>>" not in said, "an example awaits nothing"


SAMPLE = '''
"""Things."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence

from itagflow.core.engine import Engine
from itagflow.model.text import require_text
from itagflow.typing import JobRef, MemberRef


class Things:
    """Things: what there is.

    And more.
    """

    def __init__(self, engine: Engine) -> None:
        """Work over *engine*."""

    def list(
        self, job: JobRef, *, names: Sequence[str] = (), limit: int | None = None
    ) -> Iterator[Thing]:
        """Yield them.

        >>> 1
        1
        """

    def wait(self, job: JobRef, *, timeout: float | None = None, **more: int) -> builtins.list[int]:
        """Wait for them."""

    def drop(self, *things: Thing, by: MemberRef) -> None:
        """Drop them."""
'''
EXPECTED = '''
# Generated from itagflow.api.things by tests/docs/pins/write.py: change that, and run this.
"""Things: what there is; awaited."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from functools import partial

from itagflow.aio.items import AsyncItems
from itagflow.aio.pool import ThreadPool
from itagflow.api.things import Things
from itagflow.typing import JobRef, MemberRef


class AsyncThings:
    """Things: what there is; awaited."""

    def __init__(self, pool: ThreadPool, things: Things) -> None:
        """Do the work of *things* in the threads of *pool*."""
        self._pool = pool
        self._things = things

    def list(
        self, job: JobRef, *, names: Sequence[str] = (), limit: int | None = None
    ) -> AsyncItems[Thing]:
        """Yield them."""
        verb = partial(self._things.list, job, names=names, limit=limit)
        return AsyncItems(self._pool, verb)

    async def wait(
        self, job: JobRef, *, timeout: float | None = None, **more: int
    ) -> builtins.list[int]:
        """Wait for them."""
        return await self._pool.wait(self._things.wait, job, timeout=timeout, **more)

    async def drop(self, *things: Thing, by: MemberRef) -> None:
        """Drop them."""
        await self._pool.run(self._things.drop, *things, by=by)
'''


def test_a_new_verb_gets_a_twin_and_one_that_may_wait_a_thread_of_its_own() -> None:
    assert awaited.render_module("things", SAMPLE) == EXPECTED.lstrip()


def test_asyncio_is_loaded_with_the_async_module_only() -> None:
    code = "import sys, itagflow; itagflow.Flow, itagflow.open('memory:').close(); "
    code += "print('asyncio' in sys.modules); itagflow.aio.open; print('asyncio' in sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert shown.split() == ["False", "True"]
