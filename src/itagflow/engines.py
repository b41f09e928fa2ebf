"""The engine of a Flow, for the public functions that take one."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from itagflow.core.engine import Engine
from itagflow.flow import Flow
from itagflow.model.arguments import require_kind

_get_engine: Callable[[Flow], Engine] = attrgetter("_engine")


def engine_of(what: str, flow: Flow) -> Engine:
    """Return the engine of a flow; applications call the verbs.

    Raises:
        InvalidData: when it is no flow; *what* is where it was given.
    """
    return _get_engine(require_kind(what, "flow", flow, Flow, "a Flow"))
