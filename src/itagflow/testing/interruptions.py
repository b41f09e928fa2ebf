"""An exception that is raised at one point of a store's code: at each step, one by one."""

from __future__ import annotations

import contextlib
import dis
import inspect
import sys
from collections.abc import Callable, Generator, Iterable
from types import CodeType, FrameType
from typing import Any


class Interruption(BaseException):
    """What strikes: of a kind that no store expects, like an interrupt from the keyboard."""


@contextlib.contextmanager
def watching_finalizers(note: Callable[[], object]) -> Generator[None]:
    """Record interruptions inside a finalizer, where Python drops them; report other errors."""

    # an exception in `__del__` goes to this hook, and nowhere else
    def report(unraisable: sys.UnraisableHookArgs) -> None:
        if isinstance(unraisable.exc_value, Interruption):
            note()
        else:
            before(unraisable)

    before, sys.unraisablehook = sys.unraisablehook, report
    try:
        yield
    finally:
        sys.unraisablehook = before


class Strike:
    """Raises an `Interruption` at the n-th point reached in some files or functions.

    A point is where CPython can let an asynchronous exception in, such as that of a signal handler:
    where a function starts, after a call, and where a loop goes round; or, with *every_opcode*,
    before every single step.
    """

    def __init__(
        self, at: int, files: Iterable[str], codes: Iterable[CodeType] = (), *, every_opcode: bool
    ) -> None:
        """Strike at point *at*, from 1, counted in code from these files and in these functions."""
        self.at, self.files, self.codes = at, frozenset(files), frozenset(codes)
        self.every_opcode = every_opcode
        self.is_paused = False
        """Whether points are neither counted nor struck."""
        self.reached = 0
        """How many points were reached."""
        self.place = ""
        """Where it struck; empty when it did not."""
        self.is_dropped = False
        """Whether it was raised inside a finalizer of another store: Python drops it there."""
        self._last: dict[int, int] = {}

    def run(self, act: Callable[[Strike], object]) -> BaseException | None:
        """Run until it is raised; return what came out, with its traceback, or None."""
        before = sys.gettrace()
        here = inspect.currentframe()
        if here is not None:
            # CPython 3.12 traces opcodes only when some frame has asked for it before
            here.f_trace_opcodes = True
        with watching_finalizers(self._note_dropped):
            sys.settrace(self._enter)
            try:
                act(self)
            except BaseException as error:
                return error
            finally:
                sys.settrace(before)
        return None

    def _note_dropped(self) -> None:
        self.is_dropped = True

    def _enter(self, frame: FrameType, event: str, arg: Any) -> Any:
        del event, arg
        if frame.f_code.co_filename not in self.files and frame.f_code not in self.codes:
            return None
        frame.f_trace_opcodes = True
        self._last[id(frame)] = frame.f_lasti
        return self._step

    def _step(self, frame: FrameType, event: str, arg: Any) -> Any:
        del arg
        if event == "opcode":
            last, here = self._last.get(id(frame), -1), frame.f_lasti
            self._last[id(frame)] = here
            if not self.is_paused and (
                self.every_opcode or _lets_exceptions_in(frame.f_code, last, here)
            ):
                self.reached += 1
                if self.reached == self.at:
                    step = _steps(frame.f_code)[here][0]
                    self.place = f"{frame.f_code.co_qualname}, line {frame.f_lineno}, before {step}"
                    raise Interruption(self.place)
        return self._step


def _lets_exceptions_in(code: CodeType, last: int, here: int) -> bool:
    """Return whether the interpreter checks for asynchronous exceptions between these steps."""
    step, following = _steps(code).get(last, ("", -1))
    if step == "RESUME":
        # else something was thrown into a generator, which does not run this step then
        return here == following
    if step.startswith("CALL"):
        return "INTRINSIC" not in step
    return "JUMP_BACKWARD" in step and "NO_INTERRUPT" not in step


_KNOWN: dict[CodeType, dict[int, tuple[str, int]]] = {}


def _steps(code: CodeType) -> dict[int, tuple[str, int]]:
    """Return the steps of *code* by place: the name of each, and the place of the next."""
    found = _KNOWN.get(code)
    if found is None:
        steps = list(dis.get_instructions(code))
        places = [*(step.offset for step in steps[1:]), -1]
        found = {
            step.offset: (step.opname, following)
            for step, following in zip(steps, places, strict=True)
        }
        _KNOWN[code] = found
    return found


def files_of(store: object) -> set[str]:
    """Return the files of a store's code: the modules of its class and bases, and neighbors.

    Neighbors are the modules of the same package, and of private packages beside it, which hold
    what several stores share; and what transactions are often entered through: `contextlib` too.
    """
    homes = {kind.__module__ for kind in type(store).__mro__}
    # the standard library is not the store's code; `contextlib` is added below, by name
    homes = {home for home in homes if home.partition(".")[0] not in sys.stdlib_module_names}
    packages = {home.rpartition(".")[0] for home in homes} - {"", "itagflow"}
    shared = tuple(f"{package.rpartition('.')[0]}._" for package in packages if "." in package)
    found = [
        getattr(module, "__file__", None)
        for name, module in list(sys.modules.items())
        if name in homes
        or name == "itagflow.contexts"
        or name.rpartition(".")[0] in packages
        or name.startswith(shared)
    ]
    return {contextlib.__file__, *(file for file in found if file)}
