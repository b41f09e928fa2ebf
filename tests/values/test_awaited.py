"""Each async verb, called with the arguments of its case, does what the sync verb does."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest
from support.scenes import Clock

import itagflow
from itagflow.aio import AsyncFlow, AsyncItems
from itagflow.errors import ItagflowError
from values.cases import CASES
from values.scene import Scene, Stores

NARROWING = {"after", "label", "limit", "member", "package", "state", "task", "where"}
"""Parameters of lists that leave most of it out."""
REFUSALS = ("InvalidData: ", "NotAllowed: ", "NotFound: ", "NotHeld: ", "WrongState: ")
VERBS = sorted(key for key in CASES if key.startswith("flow.") and key != "flow.close")


class SteadyStores(Stores):
    """Stores whose keys, and times, are the same in each run."""

    def scene(self) -> Scene:
        self.flow = itagflow.open(
            "memory:",
            clock=Clock(),
            ids=count(1).__next__,
            validators={"all": lambda *_: ()},
        )
        self.scenes += 1
        return Scene(self, self.scenes)


def make_scene(folder: Path) -> Scene:
    return SteadyStores("memory", str, folder).scene()


def arguments(key: str, scene: Scene) -> dict[str, Any]:
    """Good arguments, as many as go together; without those that leave nothing to show."""
    case = CASES[key]
    good = case.good(scene)
    required = {*case.always, *inspect_required(find(scene.flow, key))}
    narrowing = NARROWING if "limit" in good else set[str]()
    return {
        name: value
        for name, value in good.items()
        if name not in case.alone and (name not in narrowing or name in required)
    }


def inspect_required(verb: Any) -> set[str]:
    """The parameters without a default."""
    parameters = inspect.signature(verb).parameters.values()
    return {each.name for each in parameters if each.default is each.empty}


def find(flow: Any, key: str) -> Any:
    for name in key.removeprefix("flow.").split("."):
        flow = getattr(flow, name)
    return flow


def show(value: Any) -> str:
    """What came of a call, without what is drawn at random."""
    if isinstance(value, ItagflowError):
        return f"{type(value).__name__}: {value}"
    return repr(value)


def call_sync(key: str, scene: Scene) -> list[str]:
    given = arguments(key, scene)
    try:
        returned = find(scene.flow, key)(**given)
        if isinstance(returned, Iterator):
            return [show(item) for item in islice(returned, CASES[key].most)]
    except ItagflowError as error:
        return [show(error)]
    return [show(returned)]


async def call_async(key: str, scene: Scene) -> list[str]:
    given = arguments(key, scene)
    async with AsyncFlow(scene.flow, threads=2) as flow:
        try:
            returned = find(flow, key)(**given)
            if isinstance(returned, AsyncItems):
                return [show(item) async for item in first(returned, CASES[key].most)]
            assert inspect.isawaitable(returned)
            return [show(await returned)]
        except ItagflowError as error:
            return [show(error)]


async def first(items: AsyncItems[Any], most: int | None) -> Any:
    async with items:
        left = most
        while left is None or left > 0:
            try:
                item = await anext(items)
            except StopAsyncIteration:
                return
            yield item
            left = None if left is None else left - 1


@pytest.mark.parametrize("key", VERBS)
def test_an_async_verb_does_what_the_verb_does(key: str, tmp_path: Path) -> None:
    scenes = [make_scene(tmp_path), make_scene(tmp_path)]
    wanted = call_sync(key, scenes[0])
    found = asyncio.run(call_async(key, scenes[1]))
    scenes[0].flow.close()
    assert found == wanted


def test_most_calls_show_something(tmp_path: Path) -> None:
    """Two that both yield nothing, or are both refused, agree too easily."""
    idle = []
    for key in VERBS:
        scene = make_scene(tmp_path)
        shown = call_sync(key, scene)
        scene.flow.close()
        if not shown or shown[0].startswith(REFUSALS):
            idle.append(key)
    assert len(idle) <= len(VERBS) // 10, idle


@pytest.mark.parametrize("threads", [0, -1, True, 1.5, "4", None, 10**9])
def test_a_number_of_threads_that_cannot_be_is_refused(threads: Any) -> None:
    with itagflow.open("memory:") as flow, pytest.raises(itagflow.InvalidData) as refused:
        AsyncFlow(flow, threads=threads)
    assert "threads" in str(refused.value)
    with pytest.raises(itagflow.InvalidData, match="threads"):
        itagflow.aio.open("memory:", threads=threads)


def test_what_is_no_flow_is_refused() -> None:
    with pytest.raises(itagflow.InvalidData, match="must be a Flow"):
        AsyncFlow("memory:")  # type: ignore[arg-type]


def test_what_cannot_be_called_is_refused() -> None:
    async def try_it() -> None:
        async with itagflow.aio.open("memory:") as flow:
            with pytest.raises(itagflow.InvalidData, match="function"):
                await flow.run("count")  # type: ignore[arg-type]
            with pytest.raises(itagflow.InvalidData, match="function"):
                flow.iterate(None)  # type: ignore[arg-type]
            with pytest.raises(itagflow.InvalidData, match="timeout"):
                await flow.close("soon")  # type: ignore[arg-type]

    asyncio.run(try_it())


def test_a_url_that_cannot_be_is_refused_when_it_is_opened() -> None:
    async def try_it() -> None:
        with pytest.raises(itagflow.InvalidData):
            await itagflow.aio.open("ftp://labels")
        with pytest.raises(itagflow.InvalidData):
            async with itagflow.aio.open(7):  # type: ignore[arg-type]
                pass

    asyncio.run(try_it())
