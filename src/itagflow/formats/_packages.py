"""Packages that some formats need, and that come with an extra: PyArrow and spaCy."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from itagflow.errors import InvalidData, Problem


def load_pyarrow(what: str) -> Any:
    """Return the module ``pyarrow``, of the extra ``arrow``; see `load_package`.

    Raises:
        InvalidData: when it is not installed.
    """
    return load_package("pyarrow", "arrow", what)


def load_package(name: str, extra: str, what: str) -> Any:
    """Return a module, which is loaded now: it takes long, and few need it.

    Args:
        name: The module.
        extra: The extra that it is installed with.
        what: What needs it, as the caller has called it.

    Raises:
        InvalidData: when it is not installed; it says how to install it.
    """
    if find_spec(name) is None:
        reason = f"is not installed: install it with pip install 'itagflow[{extra}]'"
        raise InvalidData(what, [Problem(name, reason)])
    return import_module(name)
