"""Context managers that give back what they hold, wherever an exception strikes."""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from itagflow import contexts
from itagflow.contexts import safe_context


class Strike(BaseException):
    """What comes from outside, at any moment."""


class Lock:
    """Counts how often it is held."""

    def __init__(self) -> None:
        self.held: list[str] = []
        self.log: list[str] = []

    @safe_context
    def hold(self) -> Iterator[str]:
        try:
            try:
                self.held.append("lock")
                yield "inside"
                self.log.append("end")
            finally:
                self.held.clear()
        finally:
            self.held.clear()


def test_it_gives_what_is_yielded_and_runs_to_the_end() -> None:
    lock = Lock()
    with lock.hold() as given:
        assert (given, lock.held) == ("inside", ["lock"])
    assert (lock.held, lock.log) == ([], ["end"])


def test_an_error_of_the_block_passes_through_unchanged() -> None:
    lock = Lock()
    error = ValueError("mine")
    with pytest.raises(ValueError, match="mine") as raised, lock.hold():
        raise error
    assert raised.value is error
    assert error.__context__ is None
    assert (lock.held, lock.log) == ([], [])


@pytest.mark.parametrize(
    "error", [StopIteration("x"), GeneratorExit(), KeyboardInterrupt(), RuntimeError("x")]
)
def test_errors_that_generators_treat_in_their_own_way_pass_through_too(
    error: BaseException,
) -> None:
    lock = Lock()
    with pytest.raises(type(error)) as raised, lock.hold():
        raise error
    assert raised.value is error
    assert lock.held == []


def test_a_generator_may_deal_with_an_error() -> None:
    @safe_context
    def forgiving() -> Iterator[None]:
        try:
            yield
        except ValueError:
            return

    with forgiving():
        raise ValueError
    with pytest.raises(KeyError), forgiving():
        raise KeyError


def test_a_generator_may_raise_another_error() -> None:
    @safe_context
    def translating() -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            raise KeyError("ours") from error

    with pytest.raises(KeyError) as raised, translating():
        raise ValueError
    assert isinstance(raised.value.__cause__, ValueError)


def test_a_generator_that_goes_on_after_an_error_is_a_mistake() -> None:
    @safe_context
    def wrong() -> Iterator[None]:
        try:
            yield
        except ValueError:
            yield

    with pytest.raises(RuntimeError, match="did not stop"), wrong():
        raise ValueError


def test_what_fails_on_entering_holds_nothing() -> None:
    @safe_context
    def closed() -> Iterator[None]:
        raise LookupError("closed")
        yield

    with pytest.raises(LookupError, match="closed"), closed():
        raise AssertionError("the transaction was entered")


def test_it_works_in_an_exit_stack_and_by_hand() -> None:
    lock = Lock()
    with ExitStack() as stack:
        assert stack.enter_context(lock.hold()) == "inside"
        assert lock.held == ["lock"]
    assert lock.held == []
    context = lock.hold()
    assert context.__enter__() == "inside"
    context.__exit__(None, None, None)
    assert (lock.held, lock.log) == ([], ["end", "end"])


def strike_at(number: int, use: Any, *codes: Any) -> BaseException | None:
    """Raise `Strike` before the bytecode with this number that *use* runs in *codes*, and return what came out."""
    seen = 0

    def local(frame: Any, event: str, arg: Any) -> Any:
        nonlocal seen
        if event == "opcode":
            seen += 1
            if seen == number:
                raise Strike(dis.opname[frame.f_code.co_code[frame.f_lasti]])
        return local

    def begin(frame: Any, event: str, arg: Any) -> Any:
        if frame.f_code not in codes and frame.f_code.co_filename != contexts.__file__:
            return None
        frame.f_trace_opcodes = True
        return local

    before = sys.gettrace()
    sys.settrace(begin)
    try:
        use()
    except Strike as error:
        return error
    finally:
        sys.settrace(before)
    return None


def held_after_each_strike(lock: Any, hold: Any) -> list[str]:
    """Return where a strike left *lock* held while its traceback was kept."""
    left = list[str]()

    def use() -> None:
        with hold():
            lock.log.append("work")

    for number in range(1, 1_000):
        error = strike_at(number, use, hold.__wrapped__.__code__, use.__code__)
        if error is None:
            assert number > 20
            return left
        if lock.held:
            left.append(str(error))
        del error
        lock.held.clear()
    raise AssertionError("it never ended")


def test_no_strike_leaves_anything_held_at_any_bytecode() -> None:
    """While the traceback is kept: before the caller's next statement everything is given back."""
    lock = Lock()
    assert held_after_each_strike(lock, lock.hold) == []


def test_the_standard_librarys_context_manager_does_leave_something() -> None:
    """So the test above can see it; this is why `safe_context` is there."""
    lock = Lock()
    plain = contextmanager(Lock.hold.__wrapped__)

    def hold() -> Any:
        return plain(lock)

    hold.__wrapped__ = Lock.hold.__wrapped__  # type: ignore[attr-defined]
    found = list[str]()

    def use() -> None:
        with hold():
            lock.log.append("work")

    import contextlib

    code = contextlib._GeneratorContextManager.__exit__.__code__
    for number in range(1, 200):
        error = strike_at(number, use, code)
        if error is None:
            break
        found += lock.held
        del error
    assert found
