"""States and steps, declared once per entity and checked by a ``transitions`` machine.

This is the only module that imports ``transitions``.  Everything else sees two plain ideas: a
*state* (a member of an enum) and a *step* (one row of a table).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import attrs
from transitions import Machine

from itagflow.errors import WrongState

if TYPE_CHECKING:
    from transitions.core import TransitionConfigDict  # only the stub file has it

S = TypeVar("S", bound=Enum)
Guard = Callable[[Any], None]
"""Checks a command and raises the reason for a refusal; returns nothing when it is allowed."""


@attrs.frozen
class Step(Generic[S]):
    """One row: *event* takes an entity from *source* to *target* if all *guards* agree."""

    event: str
    """What happens, such as ``publish``."""
    source: S
    """The state in which it can happen."""
    target: S
    """The state that it leads to."""
    guards: tuple[Guard, ...] = ()
    """What must hold; each raises the reason when it does not."""


class Lifecycle(Generic[S]):
    """A checked table of steps.  It holds no entity and no mutable state, so threads may share it.

    The machine is made once.  It refuses a table with unknown states, and says where each event
    leads from each state; `advance` looks this up.  Dispatching an event through the machine gives
    the same state (the tests compare them for every event and state), takes 30 times as long, and
    puts the frames of ``transitions`` into the traceback of every refusal.

    >>> from enum import Enum
    >>> Door = Enum("Door", {"OPEN": "open", "SHUT": "shut"})
    >>> door = Lifecycle("door", Door.OPEN, [Step("close", Door.OPEN, Door.SHUT)])
    >>> door.advance(Door.OPEN, "close")
    <Door.SHUT: 'shut'>
    """

    def __init__(self, name: str, initial: S, steps: Iterable[Step[S]]) -> None:
        """Check the table and build its machine.

        Raises:
            ValueError: when two steps share event and source, or no step leads to a source.
        """
        self.name = name
        self.initial = initial
        self.steps = tuple(steps)
        self._check()
        reached = {initial} | {step.target for step in self.steps}
        self.states: tuple[S, ...] = tuple(state for state in type(initial) if state in reached)
        self._sources = {
            event: frozenset(step.source for step in self.steps if step.event == event)
            for event in dict.fromkeys(step.event for step in self.steps)
        }
        self.machine = Machine(
            model=None,
            states=list(self.states),
            transitions=[_to_config(step) for step in self.steps],
            initial=initial,
            auto_transitions=False,
            name=name,
        )
        self._guards = {(step.event, step.source): step.guards for step in self.steps}
        self._targets = self._read_targets()

    def advance(self, state: S, event: str, command: object = None, entity: str = "") -> S:
        """Return the state that *event* leads to from *state*.

        *command* is what the guards look at; *entity* names the thing in the error.

        Raises:
            WrongState: when no step has this event and source.
            RuleError: whatever a guard raised.
        """
        target = self._targets.get((event, state))
        if target is None:
            raise WrongState(entity or f"a {self.name}", event, state)
        for guard in self._guards[event, state]:
            guard(command)
        return target

    def has_led(self, event: str, state: S) -> bool:
        """Return whether *event* leads to *state* and cannot start there: it is done already."""
        return state not in self.get_sources(event) and any(
            s.event == event and s.target == state for s in self.steps
        )

    def get_sources(self, event: str) -> frozenset[S]:
        """Return the states from which *event* can start."""
        return self._sources.get(event, frozenset())

    def get_events(self, state: S) -> tuple[str, ...]:
        """Return the events that can start from *state*, in the order of the table."""
        return tuple(step.event for step in self.steps if step.source == state)

    def _read_targets(self) -> dict[tuple[str, S], S]:
        """Return where each event leads from each state, as the machine has it."""
        targets: dict[tuple[str, S], S] = {}
        for event in self.machine.events:
            for source in self.states:
                # at most one, since `_check` refuses two steps with the same event and source
                for transition in self.machine.get_transitions(event, source):
                    state = self.machine.get_state(cast(str, transition.dest))
                    targets[event, source] = cast(S, state.value)
        return targets

    def _check(self) -> None:
        """Find what ``transitions`` does not: doubled rows, and sources that nothing leads to."""
        doubled = [
            row for row, n in Counter((s.event, s.source) for s in self.steps).items() if n > 1
        ]
        if doubled:
            raise ValueError(f"{self.name}: more than one step for {doubled}")
        targets = {self.initial} | {step.target for step in self.steps}
        if lost := {step.source for step in self.steps} - targets:
            raise ValueError(
                f"{self.name}: no step leads to {sorted(state.value for state in lost)}"
            )


def _to_config(step: Step[S]) -> TransitionConfigDict:
    return {
        "trigger": step.event,
        "source": step.source,
        "dest": step.target,
    }
