"""Skills: what members can do, and which one the work on a package needs."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.jsontext import standard
from itagflow.model.arguments import make_error, require_kind, require_mapping
from itagflow.model.copying import ReadOnlyDict
from itagflow.model.number import require_number
from itagflow.model.text import (
    find_key_error,
    find_name_error,
    normalize_name,
    to_text,
    validate_name,
)
from itagflow.printing import format_repr
from itagflow.reprs import show_fields

NO_VALUE = "null"
"""The value, as JSON, of a package whose value was erased: anybody may finish it."""
PLACE = "{}"
"""Where the value of a package stands in the name of a skill."""
MAX_NAMED = 5
"""How many skills a sentence names."""
_WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]*")


def require_skills(what: str, skills: Mapping[str, float]) -> Mapping[str, float]:
    """Return the skills of a member, by name, each with how well they can do it.

    Raises:
        InvalidData: when it is no mapping, one has no name, two have the same, or a number is not
            finite.

    >>> dict(require_skills("ben", {"lang:de": 1, "radiology": 80}))
    {'lang:de': 1.0, 'radiology': 80.0}
    """
    levels = dict[str, float]()
    names = set[str]()
    for name, level in require_mapping(what, "skills", skills, "of numbers by name").items():
        # what names a package must fit an index, and a skill that is longer could name none
        error = find_name_error(name) or find_key_error(str(name))
        if error:
            raise InvalidData(what, [Problem("skills", f"{format_repr(name)} {error}")])
        plain = to_text(name)
        if normalize_name(plain) in names:
            raise InvalidData(what, [Problem("skills", f"{format_repr(plain)} is given twice")])
        names.add(normalize_name(plain))
        levels[plain] = float(require_number(what, f"skills, {plain!r}", level))
    return ReadOnlyDict(levels)


def to_skills(value: Mapping[str, float]) -> Mapping[str, float]:
    """Return the skills of a `Member`: a converter of attrs."""
    return require_skills("Member", value)


def _check_skill(_: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    validate_name(_, attribute, value)
    if value.count(PLACE) != 1:
        reason = "must have {} once, where the value stands, such as 'lang:{}'"
        raise make_error("Field", "skill", reason, value)


def _to_level(value: float | None) -> float | None:
    return None if value is None else float(require_number("Field", "least", value))


@attrs.frozen
class Field:
    """A field of the data whose value names a skill: who works on a package must have it.

    >>> Field("lang", skill="lang:{}", least=80).least
    80.0
    """

    name: str = attrs.field(converter=to_text, validator=validate_name)
    """The field of ``data``; each package has one value of it."""
    skill: str = attrs.field(kw_only=True, converter=to_text, validator=_check_skill)
    """The name of the skill, with ``{}`` where the value stands."""
    least: float | None = attrs.field(default=None, kw_only=True, converter=_to_level)
    """How well they must be able to do it, at the least; None: it is enough to have the skill."""

    __repr__ = show_fields


def name_skill(field: Field, value: str) -> str:
    """Return the name of the skill that work on a package with this *value*, as JSON, needs.

    >>> name_skill(Field("lang", skill="lang:{}"), '"de"')
    'lang:de'
    """
    return field.skill.replace(PLACE, str(standard.loads(value)))


def count_by_skill(field: Field, packages: Mapping[str, int]) -> dict[str, int]:
    """Return how many packages need each skill, of how many have each value, as JSON."""
    counts = dict[str, int]()
    for value, number in packages.items():  # 1 and "1" name one skill
        skill = name_skill(field, value)
        counts[skill] = counts.get(skill, 0) + number
    return counts


def list_values(field: Field, skills: Mapping[str, float]) -> tuple[str, ...]:
    """Return the values, as JSON, of the packages on which one with these *skills* may work."""
    before, after = map(normalize_name, field.skill.split(PLACE))
    values = set[str]()
    for name, level in skills.items():
        text = normalize_name(name)
        is_fit = text.startswith(before) and text.endswith(after)
        if not is_fit or (field.least is not None and level < field.least):
            continue
        values.update(_spell_values(text[len(before) : len(text) - len(after)]))
    return (*sorted(values), NO_VALUE)


def is_met(field: Field, skills: Mapping[str, float], value: str) -> bool:
    """Return whether one with these *skills* may work on packages with this value, as JSON."""
    # by the same list by which the queue is searched: they cannot contradict each other
    return value in list_values(field, skills)


def check_requires(rule: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    """Check a field that says which skill a stage requires: an attrs validator."""
    if value is not None:
        wanted = "a Field, such as Field('lang', skill='lang:{}')"
        require_kind(type(rule).__name__, attribute.name, value, Field, wanted)


def require_one_field(required: Iterable[Field | None]) -> None:
    """Check that all stages that ask for a skill find its name in one field.

    A package carries one value, by which the queue is searched.

    Raises:
        InvalidData: when they name several.
    """
    fields = list(dict.fromkeys(each.name for each in required if each is not None))
    if len(fields) > 1:
        named = " and ".join(map(format_repr, fields))
        reason = f"must be of one field at all stages, not of {named}"
        raise InvalidData("Workflow", [Problem("requires", reason)])


def _spell_values(text: str) -> list[str]:
    """Return as which values, as JSON, *text* stands in the name of a skill."""
    if not text:
        return []
    values = [standard.dumps(text)]
    if _WHOLE_NUMBER.fullmatch(text):
        values.append(text)
    return values


def find_value_error(value: object) -> str | None:
    """Return why a value cannot name a skill, or None."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if is_number:
        return None
    if not isinstance(value, str):
        return f"must be a text or a whole number to name a skill, not {format_repr(value)}"
    return find_name_error(value)


def list_skills(packages: Mapping[str, int]) -> str:
    """Return a list of skills, with how many packages need each of them if there are several."""
    names = sorted(packages, key=lambda name: (-packages[name], name))
    if len(names) == 1:
        return f"the skill {names[0]}"
    shown = [f"{name} ({packages[name]})" for name in names[:MAX_NAMED]]
    if len(names) > MAX_NAMED:
        shown.append(f"{len(names) - MAX_NAMED} more")
    return f"the skills {', '.join(shown)}"
