"""The page of limits has the numbers of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from itagflow import InvalidData
from itagflow.api.packages import MOST_VOTES
from itagflow.claiming.rules import MOST_COUNTED
from itagflow.delivery.receivers import MAX_BATCH
from itagflow.formats._files import MAX_ROW_BYTES
from itagflow.formats.csv import MAX_COLUMNS
from itagflow.jobs import row_rules
from itagflow.model.lot import MAX_PACKAGES
from itagflow.model.number import MOST_EXACT
from itagflow.model.pattern import MAX_DEPTH, MAX_STEPS
from itagflow.model.region import MAX_SIDE
from itagflow.model.reports import MAX_PROBLEMS
from itagflow.model.template import MAX_NESTING, MAX_SCALE_STEPS
from itagflow.model.text import MAX_KEY
from itagflow.testing import make_job
from itagflow.validation.values import MAX_TEXT
from itagflow.workspaces.rules import MAX_NAME_LENGTH

PAGE = Path(__file__).parents[3] / "docs" / "limits.md"
ROW = re.compile(r"^\| (.+?) \| ([\d,]+) \|$", re.MULTILINE)
LONGEST_JOB_NAME = 100
LIMITS = {
    "characters of an account, or of the name of a workspace or template": MAX_NAME_LENGTH,
    "characters of the name of a job: letters, digits, `_` and `-`": LONGEST_JOB_NAME,
    "characters of the JSON text of a row": row_rules.MAX_ROW_CHARACTERS,
    "how deep a row is nested": row_rules.MAX_DEPTH,
    "bytes of a line of a file; more with the option `limit`": MAX_ROW_BYTES,
    "bytes of a row key, or of a value that names a package": MAX_KEY,
    "characters of a text in an answer": MAX_TEXT,
    "pixels of an image in width or height": MAX_SIDE,
    "how deep options, questions and views are nested": MAX_NESTING,
    "numbers of the scale of a rating with steps": MAX_SCALE_STEPS,
    "steps of a pattern for texts, its repeats written out": MAX_STEPS,
    "how deep the groups of a pattern are nested": MAX_DEPTH,
    "columns of a CSV file": MAX_COLUMNS,
    "whole number of a priority": MOST_EXACT,
    "votes asked for at once by `packages.ask_again`": MOST_VOTES,
    "packages of one lot (`Lot(packages=)`), which are decided in one transaction": MAX_PACKAGES,
    "messages of a batch of a delivery": MAX_BATCH,
    "problems that a report or an error lists; all are counted": MAX_PROBLEMS,
    "seconds that one call can count as working time": MOST_COUNTED,
}


def test_the_page_has_the_limits_of_the_code() -> None:
    told = {what: int(number.replace(",", "")) for what, number in ROW.findall(PAGE.read_text())}
    assert told == LIMITS


def test_a_job_has_a_name_of_so_many_characters() -> None:
    assert make_job(name="x" * LONGEST_JOB_NAME).name
    with pytest.raises(InvalidData, match="1 to 100 characters"):
        make_job(name="x" * (LONGEST_JOB_NAME + 1))
