"""Any bytes as JSON: the standard library's and the fast one say the same, and what is stored comes back."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from itagflow.jsontext import standard
from itagflow.storage._sql.numbers import expand_floats

WAYS = [standard]
if find_spec("msgspec"):
    from itagflow.jsontext import fast

    WAYS.append(fast)
NO_JSON = (ValueError, TypeError, RecursionError)


def json_text(data: bytes) -> None:
    """Read *data*, bytes and text; write what it holds, and read that again as the same."""
    for given in (
        data,
        data.decode(errors="replace"),
        data.decode(errors="surrogatepass") if _is_utf(data) else "",
    ):
        read = [_said(way.loads, given) for way in WAYS]
        assert read == read[:1] * len(WAYS)
        try:
            value = standard.loads(given)
        except NO_JSON:
            continue
        for way in WAYS:
            _comes_back(way, value, read[0])


def _is_utf(data: bytes) -> bool:
    try:
        return bool(data.decode(errors="surrogatepass"))
    except UnicodeDecodeError:
        return False


def _comes_back(way: Any, value: Any, said: str) -> None:
    try:
        written = way.dumps(value)
    except NO_JSON:  # such as NaN, or what is too deep
        assert _said(standard.dumps, value) == _said(way.dumps, value)
        return
    for text in (written, expand_floats(written)):
        for other in WAYS:
            assert _said(other.loads, text) == said


def _said(act: Callable[[Any], Any], given: Any) -> str:
    """Return what comes out, down to the type of every number; or the error."""
    try:
        return repr(act(given))
    except NO_JSON as error:
        return (
            type(error).__name__
            if isinstance(error, RecursionError)
            else f"{type(error).__name__}: {error}"
        )
