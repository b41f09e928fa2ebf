"""How a job's tasks are cut into packages."""

from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import require_kind
from itagflow.model.number import is_whole, require_whole_number, to_optional_whole, to_whole
from itagflow.model.text import to_text, validate_text
from itagflow.printing import format_repr
from itagflow.reprs import show_fields


def check_positive(instance: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    """Check a field that is a whole number of at least 1: an attrs validator."""
    if is_whole(value) and value <= 0:
        reason = f"must be more than 0, not {format_repr(value)}"
        raise InvalidData(type(instance).__name__, [Problem(attribute.name, reason)])
    require_whole_number(type(instance).__name__, attribute.name, value)


def check_optional_positive(instance: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    """Check the same, or None: an attrs validator."""
    if value is not None:
        check_positive(instance, attribute, value)


@attrs.frozen
class FixedSize:
    """Packages of a fixed number of tasks; the last may be smaller.  Source: iTAG's ``FIXED_SIZE``.

    >>> FixedSize(50).size
    50
    """

    size: int = attrs.field(converter=to_whole, validator=check_positive)
    """How many tasks a package has."""

    __repr__ = show_fields


@attrs.frozen
class PackageCount:
    """A fixed number of packages whose sizes differ by at most one.  Source: iTAG's ``AVG_SIZE``.

    >>> PackageCount(packages=10).packages
    10
    """

    packages: int = attrs.field(converter=to_whole, validator=check_positive)
    """How many packages the data is dealt into."""

    __repr__ = show_fields


@attrs.frozen
class GroupByField:
    """A package for each value of a field of the data.  Source: iTAG's ``FIELD_BASE``.

    >>> GroupByField("camera", max_size=50).field
    'camera'
    """

    field: str = attrs.field(converter=to_text, validator=validate_text)
    """The field of ``data`` whose value names the package."""
    max_size: int | None = attrs.field(
        default=None, converter=to_optional_whole, validator=check_optional_positive
    )
    """How many tasks a package has at the most: a larger group is cut into several packages, and
    none of them mixes groups.  None: any number."""

    __repr__ = show_fields


Packaging = FixedSize | PackageCount | GroupByField
"""How a job's tasks are cut into packages.  Source: iTAG's ``AssignConfig``."""


def check_packaging(_: object, __: "attrs.Attribute[Any]", value: object) -> None:
    """Check a field that says how a job is cut: an attrs validator."""
    kinds = (FixedSize, PackageCount, GroupByField)
    wanted = "FixedSize(50), PackageCount(10) or GroupByField('field')"
    require_kind("job", "packaging", value, kinds, wanted)
