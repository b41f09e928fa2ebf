"""PyArrow, the extra ``arrow``: tables with typed columns, and Parquet, need it."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from itagflow.errors import InvalidData, Problem


def load_pyarrow(what: str) -> Any:
    """Return the module ``pyarrow``, which is loaded now: it takes long, and few need it.

    Args:
        what: What needs it, as the caller has called it.

    Raises:
        InvalidData: when it is not installed; it says how to install it.
    """
    if find_spec("pyarrow") is None:
        reason = "is not installed: install it with pip install 'itagflow[arrow]'"
        raise InvalidData(what, [Problem("pyarrow", reason)])
    return import_module("pyarrow")
