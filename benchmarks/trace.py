"""Prints how far a verb goes through the code: ``python -m benchmarks.trace [verb …]``.

For each verb, run once on the memory store: the files of the core that it visits, how often it goes
from one of them to another, and how often it goes from a service to rules.  Stores, their codec and
JSON are not counted, nor are methods that attrs has generated.  The files of ``model/``, whose
values every layer asks for a property or two, are counted apart; so are those of ``formats/``,
which the core knows by their port only, as it knows the stores.  ``--files`` names the files in the
order in which they are visited, ``--calls`` every call.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import attrs

import itagflow
from itagflow import (
    Choice,
    FixedSize,
    Flow,
    Inspect,
    Label,
    Role,
    Stage,
    Workflow,
    templates,
)

HOME = Path(itagflow.__file__).parent
BELOW = ("storage", "jsontext", "schema", "contexts")
"""What is not counted: the way into the database, and the machinery of ``with``."""
RULES = (
    "access.py",
    "claiming/decision.py",
    "core/blinding.py",
    "core/secrecy.py",
    "labeling/voting.py",
    "maintenance/checks.py",
    "maintenance/replay.py",
    "reviewing/sampling.py",
    "template_changes/steps.py",
)
"""Files of rules, beside those called ``rules``, and folders in which all are; the rest is services."""
RULE_FOLDERS = ("lifecycle", "validation")


def core_file(frame: FrameType) -> str | None:
    """Return the file of the core that a frame runs in, by its path in the package."""
    path = Path(frame.f_code.co_filename)
    if not path.is_relative_to(HOME):
        return None
    name = str(path.relative_to(HOME))
    return None if name.split("/", maxsplit=1)[0].removesuffix(".py") in BELOW else name


def is_rule(file: str) -> bool:
    """Return whether a file of the core has rules: they decide, and read no store."""
    folder, _, name = file.rpartition("/")
    return file in RULES or folder in RULE_FOLDERS or name.endswith("rules.py")


@attrs.define
class Trace:
    """What a verb has visited."""

    visits: list[str] = attrs.field(factory=list)
    """Each file, whenever the verb comes to it from another one: by a call, or by going back."""
    calls: list[str] = attrs.field(factory=list)
    """The calls, with the depth of each."""
    values: set[str] = attrs.field(factory=set)
    """The files of ``model/``."""
    formats: set[str] = attrs.field(factory=set)
    """The files of ``formats/``."""
    stack: list[str] = attrs.field(factory=list)

    def profile(self, frame: FrameType, event: str, _: object) -> None:
        """Note a call or a return; what `sys.setprofile` calls."""
        file = core_file(frame)
        if file is None or event not in ("call", "return"):
            return
        if event == "call":
            self.calls.append(f"{'  ' * len(self.stack)}{file}:{frame.f_code.co_name}")
            self.stack.append(file)
            self._come_to(file)
        elif self.stack:
            self.stack.pop()
            if self.stack:
                self._come_to(self.stack[-1])

    def _come_to(self, file: str) -> None:
        if file.startswith("model/"):
            self.values.add(file)
        elif file.startswith("formats/"):
            self.formats.add(file)
        elif self.visits[-1:] != [file]:
            self.visits.append(file)

    @property
    def files(self) -> list[str]:
        """The files in the order of their first visits."""
        return list(dict.fromkeys(self.visits))

    @property
    def alternations(self) -> list[tuple[str, str]]:
        """The file of a service and that of rules, whenever it goes from one to the other."""
        return [
            (before, now)
            for before, now in itertools.pairwise(self.visits)
            if is_rule(now) and not is_rule(before)
        ]


def trace(act: Callable[[], object]) -> Trace:
    """Run *act* and return what it has visited."""
    found = Trace()
    sys.setprofile(found.profile)
    try:
        act()
    finally:
        sys.setprofile(None)
    return found


def ready(flow: Flow) -> dict[str, Callable[[], object]]:
    """Order a job, and return each verb, ready to be called in this order; what it needs has been done before."""
    home = flow.workspaces.create("street", admin="ada")
    for name in ("ben", "di"):
        flow.members.add(home, name, Role.OPERATOR, by="ada")
    job = flow.jobs.create(
        home,
        "cats",
        template=templates.image_classification(["cat", "dog"]),
        data=[{"data": {"source": f"{number}.jpg"}} for number in range(8)],
        workflow=Workflow(Label(limit=4), Inspect(limit=4)),
        packaging=FixedSize(2),
        workforce={Stage.LABEL: ["ben"], Stage.INSPECT: ["di"]},
        by="ada",
    )
    for _ in range(2):  # what is done for the first time only, such as creating a counter, is done
        done = _claimed(flow, "ben", job, Stage.LABEL)
        for work in flow.tasks(done):
            flow.save(done, work, Choice("cat"))
        flow.submit(done)
    current = _claimed(flow, "ben", job, Stage.LABEL)
    first, second = flow.tasks(current)
    flow.save(current, first, Choice("cat"))
    review = _claimed(flow, "di", job, Stage.INSPECT)
    task, *_ = flow.tasks(review)
    flow.judge(review, task, wrong="no cat")
    folder = tempfile.mkdtemp()
    return {
        "claim": lambda: flow.claim("ben", job, Stage.LABEL),
        "save": lambda: flow.save(current, second, Choice("dog")),
        "submit": lambda: flow.submit(current),
        "reject": lambda: flow.reject(review),
        "export": lambda: flow.results.export(job, "itag", f"{folder}/out.manifest"),
    }


def _claimed(flow: Flow, member: str, job: Any, stage: Stage) -> Any:
    assignment = flow.claim(member, job, stage)
    if assignment is None:
        raise LookupError(flow.explain(member, job, stage))
    return assignment


def main() -> None:
    """Print a line for each verb."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verbs", nargs="*", help="which verbs; all unless given")
    parser.add_argument("--files", action="store_true")
    parser.add_argument("--calls", action="store_true")
    given = parser.parse_args()
    with itagflow.open("memory:") as flow:
        for verb, act in ready(flow).items():
            found = trace(act)
            if given.verbs and verb not in given.verbs:
                continue
            print(
                f"{verb:8} {len(found.files):3} files of the core, {len(found.values):2} of values and"
                f" {len(found.formats)} of formats, {len(found.visits):4} moves between files,"
                f" {len(found.alternations):3} from service to rules"
            )
            for line in (
                *(found.files + sorted(found.formats) if given.files else ()),
                *(found.calls if given.calls else ()),
            ):
                print(f"    {line}")


if __name__ == "__main__":
    main()
