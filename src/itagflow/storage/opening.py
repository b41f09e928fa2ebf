"""From the argument of `itagflow.open` to a store: a path, a URL of ours or of a package."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any, Literal, cast

from itagflow.errors import (
    InvalidData,
    ItagflowError,
    Problem,
    StoreFailed,
)
from itagflow.model.text import format_value
from itagflow.storage.port import Store

GROUP = "itagflow.stores"
"""The entry points by which packages add stores: a URL scheme, and a function that opens it."""
BUILT_IN = ("'memory:'", "a path", "'sqlite:///path'", "'postgresql://user@host/name'")
"""What can be opened without any other package."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def open_store(url: str | os.PathLike[str]) -> Store:
    """Open the store that *url* names; `itagflow.open` does it, and puts a `Flow` over it.

    Raises:
        InvalidData: when the URL is of no known kind; no error shows what might be a password in
            it.
        StoreFailed: when the store cannot be opened, or what opens it is not installed.
    """
    if isinstance(url, os.PathLike):
        return _open_sqlite_file(os.fspath(url))
    if not isinstance(cast(object, url), str):
        raise InvalidData(
            "the URL", [Problem("", f"must be a text or a path, not {format_value(url)}")]
        )
    scheme, colon, rest = url.partition(":")
    kind = scheme.lower()
    # Each store is imported when it is asked for: see `itagflow.storage`.
    if url == "memory:":
        from itagflow.storage.sqlite import MemoryStore

        return MemoryStore()
    if kind == "sqlite" and colon:
        return _open_sqlite(f"{kind}:{rest}")
    if kind in ("postgresql", "postgres") and colon:
        return _open_postgres(f"{kind}:{rest}")
    # only after our own schemes: no package can take one of them over
    store = _open_by_package(url)
    if store is not None:
        return store
    _require_path(url)
    return _open_sqlite_file(url)


def _require_path(url: str) -> None:
    """Check that *url* is not a mistyped URL: its text must not be shown like a path."""
    from itagflow.storage._secrets import is_path, kind_of

    if is_path(url):
        return
    kind = kind_of(url)
    what = "it is of no known kind"
    if kind:
        what = f"{kind!r} is no known kind of store"
    *known, last = (*BUILT_IN, *(f"'{scheme}://…'" for scheme in sorted(_find_entry_points())))
    listed = f"{', '.join(known)}, or {last}"
    raise InvalidData(
        "the URL",
        [Problem("", f"{what}; known are {listed}; a path of this form is a pathlib.Path")],
    )


def _open_sqlite_file(path: str, synchronous: Literal["FULL", "NORMAL"] = "FULL") -> Store:
    from itagflow.storage.sqlite import SqliteStore

    return SqliteStore(path, synchronous=synchronous)


def _open_sqlite(url: str) -> Store:
    from urllib.parse import parse_qsl, unquote, urlsplit

    try:
        split = urlsplit(url)
    except ValueError:  # its words may have a password in them
        raise InvalidData(
            "the URL", [Problem("", "cannot be read: write sqlite:///labels.db")]
        ) from None
    options = dict(parse_qsl(split.query))
    mode = options.pop("synchronous", "full").upper()
    # sqlite:///file is relative, sqlite:////file absolute
    path = unquote(split.path).removeprefix("/")
    problems = [
        Problem(name, "is no option of a SQLite store; there is synchronous") for name in options
    ]
    if mode not in ("FULL", "NORMAL"):
        problems.append(Problem("synchronous", f"must be full or normal, not {mode.lower()!r}"))
    if split.netloc or not path:
        problems.append(
            Problem("path", "is missing: write sqlite:///labels.db, or sqlite:////data/labels.db")
        )
    if problems:
        raise InvalidData("the URL", problems)
    _require_path(path)
    if mode == "NORMAL":
        return _open_sqlite_file(path, "NORMAL")
    return _open_sqlite_file(path)


def _open_postgres(url: str) -> Store:
    try:
        from itagflow.storage.postgres import PostgresStore
    except ImportError as error:
        hint = "Install it: pip install 'itagflow[postgres]'"
        raise StoreFailed("postgresql", f"the driver is not there: {error}", hint) from error
    return PostgresStore(url)


# -- stores of other packages --


def _find_entry_points() -> dict[str, list[Any]]:
    """Return the entry points of other packages by scheme."""
    from importlib.metadata import entry_points  # slow to import, and rarely needed

    declared: dict[str, list[Any]] = {}
    for entry in entry_points(group=GROUP):
        entries = declared.setdefault(entry.name.lower(), [])
        # an editable install may be found twice
        if all(entry.value != other.value for other in entries):
            entries.append(entry)
    return declared


def _open_by_package(url: str) -> Store | None:
    """Return the store that another package opens for this scheme, or None when none does."""
    match = _SCHEME.match(url)
    if match is None:
        return None
    entries = _find_entry_points().get(match[1].lower(), [])
    if not entries:
        return None
    # by chance one of them would win, and not the same one on every machine
    scheme = entries[0].name
    if len(entries) > 1:
        reason = (
            f"several packages declare it: {', '.join(sorted(entry.value for entry in entries))}"
        )
        raise StoreFailed(scheme, reason, "Uninstall all but one, or pass a store to itagflow.Flow")
    return _open_by_entry(scheme, entries[0], url)


def _open_by_entry(scheme: str, entry: Any, url: str) -> Store:
    """Open a store by the function of another package.

    What it raises may have the URL in its words, and with it a password.  So only our own errors
    get out as they are, and these only when no password of the URL is in them; of others the kind
    is told, and nothing leads back to them.
    """
    try:
        open_it: Callable[[str], Any] = entry.load()
    except Exception as error:
        # whatever a module does when it is imported; it does not know the URL
        reason = f"{entry.value} cannot be loaded: {type(error).__name__}: {error}"
        raise StoreFailed(scheme, reason, "Install what it needs, or ask its authors") from error
    from itagflow.storage._secrets import shows_password

    try:
        store = open_it(url)
    except Exception as error:
        if isinstance(error, ItagflowError) and not shows_password(url, error):
            raise
        failure = StoreFailed(
            scheme,
            f"{entry.value} raised {type(error).__name__}, "
            "whose text is not shown: it may have a password in it",
            f"Call {entry.value} yourself to see it",
        )
    else:
        if callable(getattr(store, "write", None)):
            return cast(Store, store)
        failure = StoreFailed(
            scheme,
            f"{entry.value} returned no store, but a {type(store).__name__}",
            "Ask its authors",
        )
    # outside of the ``except`` clause, so that it does not carry the other error along
    raise failure
