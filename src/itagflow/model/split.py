"""How the tasks of a dataset are divided among several files, such as for training and testing."""

import math
import re
from collections.abc import Mapping
from typing import Any, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import make_error, require_mapping
from itagflow.model.number import require_whole_number, to_whole
from itagflow.model.text import require_optional_text, to_optional_text
from itagflow.reprs import show_fields

_WHAT = "Split"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,50}")
"""What can be a part of the name of a file on every system."""


def _convert_shares(value: Mapping[str, float]) -> Mapping[str, float]:
    given = require_mapping(_WHAT, "shares", value, "from names to shares, such as {'train': 0.8}")
    shares: dict[str, float] = {}
    for name, share in given.items():
        if not isinstance(cast(object, name), str) or not _NAME.fullmatch(name):
            reason = "must have names of letters, digits, _ and - as keys"
            raise make_error(_WHAT, "shares", reason, name)
        if not _is_share(share):
            reason = f"must have a share between 0 and 1 for {name!r}"
            raise make_error(_WHAT, "shares", reason, share)
        shares[name] = float(share)
    total = math.fsum(shares.values())
    if not math.isclose(total, 1, abs_tol=1e-6):
        reason = f"must add up to 1, and come to {total:g}"
        raise InvalidData(_WHAT, [Problem("shares", reason)])
    return shares


def _is_share(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return 0 < value <= 1


def _check_by(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    require_optional_text(_WHAT, attribute.name, value)


def _check_seed(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    require_whole_number(_WHAT, attribute.name, value)


@attrs.frozen
class Split:
    """Divides the tasks of an export among several files, by a hash of what each is known by.

    A task stays where it is when others are added.  With `by` all tasks with the same value of a
    field of the data, such as the images of a patient, come into the same file.

    >>> import itagflow
    >>> itagflow.Split({"train": 0.8, "test": 0.2}, by="patient")
    Split({'train': 0.8, 'test': 0.2}, by='patient')
    """

    shares: Mapping[str, float] = attrs.field(converter=_convert_shares, hash=False)
    """The share of the tasks, or of the groups, that each file has, by the name of its part."""
    by: str | None = attrs.field(
        default=None, kw_only=True, converter=to_optional_text, validator=_check_by
    )
    """The field of the data that names a group; None: each task is by itself, by its row key, or by
    its number where it has none."""
    seed: int = attrs.field(default=0, kw_only=True, converter=to_whole, validator=_check_seed)
    """Another number divides them in another way."""

    __repr__ = show_fields


def parse_split(split: Split | Mapping[str, float] | None) -> Split | None:
    """Return how the tasks are divided; a mapping is one by key.

    Raises:
        InvalidData: when it is no such mapping.
    """
    if split is None or isinstance(split, Split):
        return split
    return Split(split)
