"""An exception that strikes at one point of a store's code: at any step of the interpreter, one after the other."""

from __future__ import annotations

import contextlib
import dis
import sys
from collections.abc import Callable, Iterable
from types import CodeType, FrameType
from typing import Any


class Interruption(BaseException):
    """What strikes: of a kind that no store expects, like an interrupt from the keyboard."""


class Strike:
    """Raises an `Interruption` at the n-th point that is reached in some files, or functions, of this thread.

    A point is where CPython can let an asynchronous exception in, such as that of a signal handler: where a function
    starts, after a call, and where a loop goes round; or, with *every_opcode*, before every single step.
    """

    def __init__(self, at: int, files: Iterable[str], codes: Iterable[CodeType] = (), *, every_opcode: bool) -> None:
        """Strike at point *at*, from 1, counted in code from these files and in these functions."""
        self.at, self.files, self.codes = at, frozenset(files), frozenset(codes)
        self.every_opcode = every_opcode
        self.is_paused = False
        """Whether points are neither counted nor struck."""
        self.reached = 0
        """How many points were reached."""
        self.place = ""
        """Where it struck; empty when it did not."""
        self._last: dict[int, str] = {}

    def run(self, act: Callable[[Strike], object]) -> BaseException | None:
        """Act until it strikes, and return the exception that came out, with its traceback; None if none did."""
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            act(self)
        except BaseException as error:
            return error
        finally:
            sys.settrace(before)
        return None

    def _enter(self, frame: FrameType, event: str, arg: Any) -> Any:
        del event, arg
        if frame.f_code.co_filename not in self.files and frame.f_code not in self.codes:
            return None
        frame.f_trace_opcodes = True
        # it is about to go on after RESUME, which lets exceptions in; or another step, where one is thrown into it
        self._last[id(frame)] = _steps(frame.f_code).get(frame.f_lasti, "")
        return self._step

    def _step(self, frame: FrameType, event: str, arg: Any) -> Any:
        del arg
        if event == "opcode":
            last, step = self._last.get(id(frame), ""), _steps(frame.f_code)[frame.f_lasti]
            self._last[id(frame)] = step
            if not self.is_paused and (self.every_opcode or _lets_exceptions_in(last)):
                self.reached += 1
                if self.reached == self.at:
                    self.place = f"{frame.f_code.co_qualname}, line {frame.f_lineno}, before {step}"
                    raise Interruption(self.place)
        return self._step


def _lets_exceptions_in(step: str) -> bool:
    """Return whether the interpreter looks for signals and asynchronous exceptions after this step."""
    if step.startswith("CALL"):
        return "INTRINSIC" not in step
    return step == "RESUME" or ("JUMP_BACKWARD" in step and "NO_INTERRUPT" not in step)


_KNOWN: dict[CodeType, dict[int, str]] = {}


def _steps(code: CodeType) -> dict[int, str]:
    """Return the names of the steps of *code*, by their place."""
    found = _KNOWN.get(code)
    if found is None:
        found = _KNOWN[code] = {step.offset: step.opname for step in dis.get_instructions(code)}
    return found


def files_of(store: object) -> set[str]:
    """Return the files that a store's code is in: the modules of its class and bases, and their neighbors.

    Neighbors are the modules of the same package, and what transactions are often entered through: `contextlib` too.
    """
    homes = {kind.__module__ for kind in type(store).__mro__}
    homes = {home for home in homes if home.partition(".")[0] not in sys.stdlib_module_names}
    packages = {home.rpartition(".")[0] for home in homes} - {"", "itagflow"}
    found = [
        getattr(module, "__file__", None)
        for name, module in list(sys.modules.items())
        if name in homes or name == "itagflow.contexts" or name.rpartition(".")[0] in packages
    ]
    return {contextlib.__file__, *(file for file in found if file)}
