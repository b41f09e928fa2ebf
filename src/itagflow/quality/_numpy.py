"""NumPy, the extra ``quality``: what is computed over many labels needs it."""

from __future__ import annotations

from importlib.util import find_spec

from itagflow.errors import InvalidData, Problem


def require_numpy(what: str) -> None:
    """Check that NumPy is installed, before a module that imports it is loaded.

    Raises:
        InvalidData: when it is not; it says how to install it.
    """
    if find_spec("numpy") is None:
        reason = "is not installed: install it with pip install 'itagflow[quality]'"
        raise InvalidData(what, [Problem("numpy", reason)])
