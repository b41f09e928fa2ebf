"""Trying a wrong value in the place of each parameter, and finding what it broke."""

from __future__ import annotations

import inspect
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Any

import attrs

import itagflow
from itagflow.errors import ItagflowError
from values.callables import PublicCallable
from values.cases import CASES, OWNERS, Case
from values.readers import readings
from values.scene import Stores
from values.wrong import Boom, Wrong

HOME = Path(itagflow.__file__).parent
SECONDS = 3
"""How long one try may compute."""
WAITING = 60
"""How long it may take with waiting, also on a machine that is busy with other work."""
OF_THE_STORE = frozenset({"workspaces.list", "workspaces.get"})
"""Readers that fail in every workspace once they fail in one."""
WORKS = "works"
MOST_USES = 12
"""How many tries may change the same workspace."""


class TookTooLong(BaseException):
    """A try went on for too long: nothing in the library may catch it."""


@attrs.frozen
class Fault:
    """One thing that a wrong value broke."""

    kind: str
    """The exception's type."""
    place: str
    """The innermost line of the library, as file:function."""
    when: str
    """``call``, ``use`` (of what the call returned), ``show``, or the reader that failed afterwards."""
    message: str
    """What it said, cut off."""

    @property
    def is_unreadable(self) -> bool:
        """Whether it is a reader that does not work any more."""
        return self.when not in ("call", "use", "show")


@attrs.frozen
class Try:
    """One wrong value in the place of one parameter, and what came of it."""

    key: str
    """The callable."""
    parameter: str
    """The parameter."""
    value: str
    """The name of the value."""
    outcome: str
    """``works``, or the type of the error."""
    faults: tuple[Fault, ...] = ()
    """What was wrong about it."""

    def __str__(self) -> str:
        told = "; ".join(
            f"{one.when}: {one.kind} at {one.place}: {one.message}" for one in self.faults
        )
        return f"{self.key}({self.parameter}={self.value}) {self.outcome} | {told}"


class Trial:
    """Tries the wrong values on one callable in stores of one kind."""

    def __init__(
        self, one: PublicCallable, stores: Stores, *, progress: Callable[[Try], object] = bool
    ) -> None:
        self.one, self.case, self.stores = one, CASES[one.key], stores
        self.progress = progress
        self.is_fresh = True
        self.known = set[int]()
        self.uses = 0
        self.scene = stores.scene()

    def run(self, choose: Callable[[str], Iterable[Wrong]]) -> list[Try]:
        """Try at each parameter the values that are chosen for its name."""
        tries = list[Try]()
        for parameter in self.parameters():
            for wrong in choose(parameter):
                tried = self.try_value(parameter, wrong)
                self.progress(tried)
                tries.append(tried)
        # what a try has changed was read at once; this finds what changed without an event
        tries[-1:] = [self.checked_at_the_end(tried) for tried in tries[-1:]]
        return tries

    def parameters(self) -> tuple[str, ...]:
        """Return the parameters, with the options that the case names."""
        good = self.case.good(self.scene) if self.one.has_options else {}
        more = (name for name in good if name not in self.one.parameters)
        return (*self.one.parameters, *more)

    def control(self) -> None:
        """Call it with good arguments: the required ones, and each of the others with these."""
        parameters = (None, *self.parameters())
        for parameter in parameters:
            if not self.is_fresh:
                self.next_scene()
            good = self.case.good(self.scene)
            given = self.given(good, parameter)
            if parameter is not None:
                given[parameter] = good[parameter]
            before = self.scene.position()
            with at_most(SECONDS):
                made = self.result_of(given)
                if self.case.use is not None:
                    self.case.use(self.scene, made)
            # most callables change nothing: one workspace serves all their parameters, and is read
            # once, at the end
            if self.has_changed(before) or parameter == parameters[-1]:
                broken = self.unreadable()
                assert not broken, (self.one.key, parameter, broken)
                self.is_fresh = False

    def try_value(self, parameter: str, wrong: Wrong) -> Try:
        """Try one value, and check what is stored when it changed something."""
        given, value = self.prepared(parameter, wrong)
        given[parameter] = (value,) if parameter == self.one.starred else value
        before = self.scene.position()
        faults = list[Fault]()
        outcome = self.outcome_of(given, wrong, faults)
        is_changed = self.has_changed(before)
        if is_changed:
            faults += self.unreadable()
            self.is_fresh = self.can_go_on()
        if faults and is_changed:
            self.is_fresh = False  # the next one gets another workspace, in which all can be read
        if any(fault.when in OF_THE_STORE or fault.kind == "TookTooLong" for fault in faults):
            self.stores.leave()
        return Try(self.one.key, parameter, wrong.name, outcome, tuple(faults))

    def has_changed(self, before: int) -> bool:
        """Tell whether something has changed in the store since an event; a closed one has."""
        try:
            return self.scene.position() != before
        except ItagflowError:
            return True

    def can_go_on(self) -> bool:
        """Tell whether the next try can have this workspace, although this one has changed it."""
        if not self.case.makes_jobs:
            self.known.clear()
        self.uses += 1
        return self.case.is_repeatable and self.uses < MOST_USES

    def prepared(self, parameter: str, wrong: Wrong) -> tuple[dict[str, Any], Any]:
        """Return the arguments of every call, and the value, made in a workspace where all works."""
        is_closed = self.stores.flow is None or self.stores.flow.store.is_closed
        if is_closed or not self.is_fresh:
            self.next_scene()
        try:
            return self.given(self.case.good(self.scene), parameter), wrong.make(self.scene)
        except Exception:  # what was refused before has broken this one, and no reader has told
            self.stores.leave()
            self.next_scene()
            return self.given(self.case.good(self.scene), parameter), wrong.make(self.scene)

    def checked_at_the_end(self, tried: Try) -> Try:
        """Return the last try of a parameter with what all of them have broken."""
        if not self.is_fresh or self.stores.flow is None:
            return tried
        self.known.clear()
        broken = self.unreadable()
        self.is_fresh = False
        if broken:
            self.stores.leave()
        return attrs.evolve(tried, faults=tried.faults + tuple(broken))

    def outcome_of(self, given: dict[str, Any], wrong: Wrong, faults: list[Fault]) -> str:
        """Call it, put what it returned to work, and return what came of the call."""
        outcome = WORKS
        for when, step in self.steps(given):
            try:
                with at_most(SECONDS):
                    step()
            except ItagflowError as error:
                faults += shown(error)
                return (
                    type(error).__name__ if when == "call" else f"{outcome}, {type(error).__name__}"
                )
            except Boom as error:
                if not wrong.may_raise:
                    faults.append(fault_of(error, when))
                return "Boom"
            except (Exception, TookTooLong) as error:
                if wrong.may_raise and not is_of_the_library(error):
                    return type(error).__name__
                faults.append(fault_of(error, when))
                return (
                    type(error).__name__ if when == "call" else f"{outcome}, {type(error).__name__}"
                )
        return outcome

    def steps(self, given: dict[str, Any]) -> Iterator[tuple[str, Callable[[], object]]]:
        made: list[Any] = []
        yield "call", lambda: made.append(self.result_of(given))
        if self.case.use is not None:
            use = self.case.use
            yield "use", lambda: use(self.scene, made[0])

    def given(self, good: Any, parameter: str | None) -> dict[str, Any]:
        """Return the arguments that a call has in which a parameter is tried."""
        names = self.one.required
        if parameter not in self.case.alone:
            names = (*names, *self.case.always)
        if self.one.starred is not None:
            names = (*names, self.one.starred)
        return {name: good[name] for name in names}

    def result_of(self, given: dict[str, Any]) -> Any:
        """Call it, read what it yields, and return what it returned."""
        arguments = dict(given)
        several = arguments.pop(self.one.starred) if self.one.starred is not None else ()
        returned = self.function()(*several, **arguments)
        if inspect.isgenerator(returned) or isinstance(returned, Iterator):
            return list(islice(returned, self.case.most))
        return returned

    def function(self) -> Callable[..., Any]:
        """Return what is called, in the present workspace."""
        if self.one.target is not None:
            return self.one.target
        found: Any = OWNERS[self.one.owner](self.scene) if self.one.owner else self.scene.flow
        for name in self.one.path.split("."):
            found = getattr(found, name)
        return found  # type: ignore[no-any-return]

    def next_scene(self) -> None:
        """Go on in a workspace where nothing happened."""
        self.scene = self.stores.scene()
        self.known.clear()
        self.uses = 0
        self.is_fresh = True

    def unreadable(self) -> list[Fault]:
        """Return the readers of the workspace that do not work."""
        if not self.scene.is_used or self.scene.flow.store.is_closed:
            return []
        return broken_readers(self.scene.flow, self.scene.home, self.known)


def broken_readers(flow: Any, home: Any, known: set[int]) -> list[Fault]:
    """Return what readers of a workspace raise, each reader once."""
    found = dict[str, Fault]()
    for name, read in readings(flow, home, known):
        try:
            with at_most(SECONDS):
                read()
        except (Exception, TookTooLong) as error:
            found.setdefault(name, fault_of(error, name))
    return list(found.values())


def shown(error: ItagflowError) -> list[Fault]:
    """Return what happens when an error is written in a log."""
    try:
        str(error)
        repr(error)
    except Exception as raised:
        return [fault_of(raised, "show")]
    return []


def is_of_the_library(error: BaseException) -> bool:
    """Tell whether an exception was raised in a line of the library, and not in what it calls back."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and Path(frames[-1].filename).is_relative_to(HOME)


def fault_of(error: BaseException, when: str) -> Fault:
    """Return what an exception tells."""
    place = "outside"
    for frame in traceback.extract_tb(error.__traceback__):
        if Path(frame.filename).is_relative_to(HOME):
            place = f"{Path(frame.filename).relative_to(HOME)}:{frame.name}"
        elif frame.filename.startswith("<attrs generated"):
            place = f"made by attrs:{frame.name}"
    try:
        message = str(error)[:120]
    except Exception:
        message = "(it cannot be shown)"
    return Fault(
        type(error).__name__, place, when, message.encode("ascii", "backslashreplace").decode()
    )


class at_most:
    """Ends a block that takes too long; only in the main thread of a system with signals."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __enter__(self) -> None:
        signal.signal(signal.SIGPROF, _stop)
        signal.signal(signal.SIGALRM, _stop)
        signal.setitimer(signal.ITIMER_PROF, self.seconds)
        signal.setitimer(signal.ITIMER_REAL, WAITING)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _stop(_: int, __: FrameType | None) -> None:
    raise TookTooLong(f"after {SECONDS} seconds")


def needs_server(case: Case) -> bool:
    """Tell whether a case opens a store on PostgreSQL itself."""
    from values.cases import POSTGRES

    return case in POSTGRES.values()
