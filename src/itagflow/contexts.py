"""Context managers that give back what they hold, wherever an exception strikes.

An exception can come from outside the code that runs: Ctrl-C, a signal handler that raises, a time
limit that another thread sets.  CPython lets it in between two bytecodes, also at the first one of
``__exit__``.  A context manager made by `contextlib.contextmanager` is lost then: its generator
stands still at the ``yield``, the traceback keeps it alive, and what it holds (a lock, a
transaction) stays held for as long as somebody keeps the traceback.

`safe_context` makes context managers that end in every case.  The rule is: **nothing but the
``with`` statement owns the generator.**

- ``__enter__`` is the generator's own ``__next__``, which is written in C: no bytecode of ours
  stands between "acquired" and "inside the block".
- ``__exit__`` is a `functools.partial`, made for each ``with``, that owns the generator.  The
  ``with`` statement keeps it on the *value stack* of its frame.  A traceback keeps frames and their
  variables, but not their value stacks.  When the frame leaves the block, however it does, the
  partial is dropped, Python closes the generator, and the ``finally`` clauses of the generator run
  before the next ``except`` clause of the caller does.
- `_leave`, which the partial calls, reaches the generator through a weak reference: a strong one
  would be a variable in a frame, and a traceback could keep it.

What a generator holds must be given back in ``finally`` clauses.  CPython looks for such exceptions
when a function begins, after a call, and when a loop goes round.  So a clause that begins with *one
call of a function written in C* is always carried out that far; if the exception comes after that
call, the next outer ``finally`` clause goes on.

This holds for CPython 3.11 to 3.13, which count references.  `contextlib.ExitStack` works too,
without the promise.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Generator
from functools import partial, wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T_co = TypeVar("T_co", covariant=True)


class SafeContext(Generic[T_co]):
    """What a function decorated with `safe_context` returns, for one ``with`` statement."""

    __slots__ = ("generator", "make")

    def __init__(self, make: Callable[[], Generator[T_co, None, None]]) -> None:
        """Use the generator that *make* returns; it is made when the ``with`` statement begins."""
        self.make = make
        self.generator: Generator[T_co, None, None] | None = None

    if TYPE_CHECKING:

        def __enter__(self) -> T_co:
            """Run the generator up to its ``yield``."""
            ...

        def __exit__(
            self,
            kind: type[BaseException] | None,
            error: BaseException | None,
            trace: TracebackType | None,
            /,
        ) -> bool | None:
            """Run the generator to its end."""
            ...


def safe_context(make: Callable[P, Generator[T_co, None, None]]) -> Callable[P, SafeContext[T_co]]:
    """Turn a function that yields once into a context manager, like `contextlib.contextmanager`.

    What the generator holds is given back wherever an exception strikes; the module tells how.

    >>> @safe_context
    ... def in_brackets():
    ...     print("(", end="")
    ...     yield "inside"
    ...     print(")")
    >>> with in_brackets() as place:
    ...     print(place, end="")
    (inside)
    """

    @wraps(make)
    def open_context(*args: P.args, **kwargs: P.kwargs) -> SafeContext[T_co]:
        return SafeContext(partial(make, *args, **kwargs))

    return open_context


class _Enter:
    """Makes ``__enter__`` when a ``with`` statement asks for it: the generator's own ``__next__``.

    The first of the two methods that is asked for makes the generator, and the second takes it away
    from the context: nobody else keeps it.  Python versions differ in which of the two comes first.
    """

    def __get__(self, context: SafeContext[Any] | None, owner: object = None) -> Any:
        if context is None:
            return _enter_by_class
        generator = context.generator
        if generator is None:
            generator = context.generator = context.make()
        else:
            context.generator = None
        return generator.__next__


class _Exit:
    """Makes ``__exit__`` when a ``with`` statement asks for it; it alone owns the generator."""

    def __get__(self, context: SafeContext[Any] | None, owner: object = None) -> Any:
        if context is None:
            return _exit_by_class
        generator = context.generator
        if generator is None:
            generator = context.generator = context.make()
        else:
            context.generator = None
        # its arguments must not lead to the generator
        leave: Any = partial(_leave, weakref.ref(generator))
        leave.generator = generator
        return leave


def _enter_by_class(context: SafeContext[T_co]) -> T_co:
    """Enter for `contextlib.ExitStack`, which asks the class and passes the context itself."""
    context.generator = context.make()
    return next(context.generator)


def _exit_by_class(context: SafeContext[Any], kind: Any, error: Any, trace: Any) -> bool:
    leave = context.__exit__
    return bool(leave(kind, error, trace))


def _leave(
    generator: weakref.ref[Generator[Any, None, None]],
    kind: type[BaseException] | None,
    error: BaseException | None,
    trace: TracebackType | None,
) -> bool:
    """Run the generator to its end, and return whether it has dealt with *error*.

    This need not get far: when it is interrupted, the generator is closed all the same.
    """
    del kind, trace  # the error has both
    running: Any = generator
    if running() is None:
        # the ``with`` is garbage in a cycle, and the generator with it: Python closes both
        return False
    if error is None:
        next(running(), None)
        return False
    try:
        running().throw(error)
    except StopIteration as end:
        return end is not error
    except RuntimeError as raised:
        if raised.__cause__ is error and isinstance(error, StopIteration):
            return False  # Python turns a StopIteration that leaves a generator into a RuntimeError
        if raised is not error:
            raise
        return False
    except BaseException as raised:
        if raised is not error:
            raise
        return False
    raise RuntimeError("the generator did not stop after an exception")


if not TYPE_CHECKING:
    SafeContext.__enter__ = _Enter()
    SafeContext.__exit__ = _Exit()
