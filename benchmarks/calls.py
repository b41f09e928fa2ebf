"""Prints what each act costs in Python: calls of functions, and files of the library that they are in.

Unlike times, these figures do not depend on how busy the machine is.  The store is in memory, and
each act is counted the second time, when everything that is made once is there.
"""

import io
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import itagflow
from benchmarks.shared.jobs import rows
from itagflow import (
    Accept,
    Choice,
    FixedSize,
    Flow,
    Inspect,
    Job,
    Label,
    Role,
    Stage,
    Workflow,
    templates,
)

LIBRARY = str(Path(itagflow.__file__).parent)


def count(act: Callable[[], Any]) -> tuple[Any, Counter[str]]:
    """Do an act, and return its result and how often functions of each file were called; of others under ``""``."""
    calls = Counter[str]()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            file = frame.f_code.co_filename
            calls[file if file.startswith(LIBRARY) else ""] += 1

    sys.setprofile(note)
    try:
        return act(), calls
    finally:
        sys.setprofile(None)


def create(flow: Flow) -> Job:
    """Create a job of two packages with a task each."""
    flow.workspaces.create("bench", admin="ada")
    for name in ("ben", "di"):
        flow.members.add("bench", name, Role.OPERATOR, by="ada")
    return flow.jobs.create(
        "bench",
        "calls",
        template=templates.image_classification(["cat", "dog"]),
        data=rows(2),
        workflow=Workflow(Label(), Inspect(), Accept()),
        packaging=FixedSize(1),
        workforce={Stage.LABEL: ["ben"], Stage.INSPECT: ["di"], Stage.ACCEPT: ["ada"]},
        by="ada",
    )


def one_round(flow: Flow, job: Job) -> dict[str, Counter[str]]:
    """Let a package go through all stages, with a rejection, and return the calls of each act."""
    found = dict[str, Counter[str]]()

    def do(name: str, act: Callable[[], Any]) -> Any:
        result, found[name] = count(act)
        return result

    held = do("claim", partial(flow.claim, "ben", job, Stage.LABEL))
    (work,) = do("tasks", lambda: list(flow.tasks(held)))
    do("save", partial(flow.save, held, work, Choice("cat")))
    do("submit", partial(flow.submit, held))
    review = flow.claim("di", job, Stage.INSPECT)
    do("judge", partial(flow.judge, review, work.task, wrong="a dog"))
    do("reject", partial(flow.reject, review))
    again = do("claim an offer", partial(flow.claim, "ben", job, Stage.LABEL))
    flow.save(again, work.task, Choice("dog"))
    flow.submit(again)
    do("review", partial(flow.review, flow.claim("di", job, Stage.INSPECT)))
    do("accept", partial(flow.accept, flow.claim("ada", job, Stage.ACCEPT)))
    do("export", partial(flow.results.export, job, "itag", io.BytesIO()))
    return found


def main() -> None:
    """Print a line for each act."""
    with itagflow.open("memory:") as flow:
        job = create(flow)
        one_round(flow, job)
        found = one_round(flow, job)
    print(f"{'act':16} {'calls in the library':>20} {'in others':>10} {'files':>6}")
    for name, calls in found.items():
        others = calls.pop("", 0)
        print(f"{name:16} {calls.total():20,} {others:10,} {len(calls):6}")


if __name__ == "__main__":
    main()
