"""What was handed in and sent back, added up: work reports, and statements with rates."""

import math
from collections.abc import Mapping
from enum import Enum
from typing import Any, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import require_mapping
from itagflow.model.enums import parse_enum
from itagflow.model.job import Stage
from itagflow.model.number import find_number, require_number
from itagflow.printing import format_repr
from itagflow.reprs import show_fields, show_in_notebook

MOST_RATE = 1e9


class WorkBy(Enum):
    """By what a work report adds up."""

    MEMBER = "member"
    JOB = "job"
    STAGE = "stage"
    GROUP = "group"
    """By the groups that members are in now; who is in several is in each."""
    DAY = "day"
    """By the day in UTC on which it was handed in or sent back."""


def _convert_rate(value: float) -> float:
    number = find_number(value)
    return value if number is None else float(number)


def _check_rate(_: object, attribute: "attrs.Attribute[Any]", value: float) -> None:
    require_number("Rate", attribute.name, value, least=0, most=MOST_RATE)


@attrs.frozen(kw_only=True)
class Rate:
    """What work is paid: for each task that is handed in and not sent back, and for each hour.

    >>> Rate(item=0.05).hour
    0.0
    """

    item: float = attrs.field(default=0.0, converter=_convert_rate, validator=_check_rate)
    """For each task; what is sent back is taken off again."""
    hour: float = attrs.field(default=0.0, converter=_convert_rate, validator=_check_rate)
    """For each hour that was given."""

    __repr__ = show_fields
    _repr_html_ = show_in_notebook


RateKey = Stage | tuple[Stage, str]
"""A stage, or a stage and the account of a member whose rate is another one there."""


@attrs.frozen(kw_only=True)
class StatementLine:
    """What one member is paid for their work at one stage of one job."""

    account: str
    """Who did it."""
    job: str
    """The name of the job."""
    job_id: int
    """Its key."""
    stage: Stage
    """The stage."""
    assignments: int = 0
    """How many assignments they handed in."""
    count: int = 0
    """How many tasks they handed in: answers, or looks at them."""
    corrected: int = 0
    """How many tasks were sent back that they had handed in, now or before."""
    seconds: float = 0.0
    """How long their work took, as far as it was given."""
    amount: float = 0.0
    """What it comes to; less than 0 when more was sent back than handed in."""

    @property
    def net(self) -> int:
        """How many tasks are paid."""
        return self.count - self.corrected

    __repr__ = show_fields
    _repr_html_ = show_in_notebook


@attrs.frozen(kw_only=True)
class Statement:
    """What members are paid for the work between two positions of the history."""

    after: int
    """The position behind which it begins."""
    until: int
    """The position up to which it goes: the next statement begins behind it."""
    lines: tuple[StatementLine, ...] = ()
    """By account, job and stage."""

    @property
    def amount(self) -> float:
        """What all of it comes to."""
        return math.fsum(line.amount for line in self.lines)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The lines as flat dicts: ``pandas.DataFrame(statement.rows)``."""
        return [
            {
                "Member": line.account,
                "JobId": line.job_id,
                "JobName": line.job,
                "Stage": line.stage.value,
                "AssignmentCount": line.assignments,
                "Count": line.count,
                "CorrectedCount": line.corrected,
                "NetCount": line.net,
                "Time": line.seconds / 3600,
                "Amount": line.amount,
            }
            for line in self.lines
        ]

    __repr__ = show_fields
    _repr_html_ = show_in_notebook


def parse_rates(what: str, rates: object) -> dict[RateKey, Rate]:
    """Return rates by stage, or by stage and account, checked.

    Raises:
        InvalidData: when it is no mapping, or a key or a rate is of another kind.
    """
    wanted = "from stages, or pairs of a stage and an account, to rates"
    given = require_mapping(what, "rates", cast("Mapping[Any, Any]", rates), wanted)
    parsed = dict[RateKey, Rate]()
    for key, rate in given.items():
        where = f"rates[{format_repr(key)}]"
        if not isinstance(rate, Rate):
            reason = f"must be a Rate, such as Rate(item=0.05), not {format_repr(rate)}"
            raise InvalidData(what, [Problem(where, reason)])
        parsed[_parse_key(what, where, key)] = rate
    return parsed


def _parse_key(what: str, where: str, key: object) -> RateKey:
    if isinstance(key, tuple):
        pair = cast("tuple[object, ...]", key)
        if len(pair) != 2 or not isinstance(pair[1], str):
            reason = "must be a stage, or a stage and an account"
            raise InvalidData(what, [Problem(where, reason)])
        return parse_enum(Stage, cast("Stage | str", pair[0])), pair[1]
    return parse_enum(Stage, cast("Stage | str", key))


def price(line: StatementLine, rates: Mapping[RateKey, Rate]) -> StatementLine:
    """Return *line* with what it comes to: nothing where there is no rate."""
    rate = rates.get((line.stage, line.account)) or rates.get(line.stage)
    if rate is None:
        return line
    amount = rate.item * line.net + rate.hour * line.seconds / 3600
    return attrs.evolve(line, amount=amount)
