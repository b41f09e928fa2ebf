"""The reference: every public name is on one of its pages, and on no other."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest
from docs.building.listing import link_verbs, list_nouns, read_name, render_aliases, render_verbs
from docs.building.reference import find_owner, list_documented, render_names

import itagflow
from itagflow import Flow, typing

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
DOCUMENTED = list(list_documented(REFERENCE))
NAMES = {path.rpartition(".")[2] for path, _ in DOCUMENTED}
MODULES = (
    *("itagflow", "itagflow.access", "itagflow.aio", "itagflow.delivery", "itagflow.errors"),
    *("itagflow.formats", "itagflow.formats.kit", "itagflow.json", "itagflow.maintenance"),
    *("itagflow.model", "itagflow.prelabels", "itagflow.quality", "itagflow.storage"),
    *("itagflow.templates", "itagflow.testing"),
)
"""Where users import from; the names of `itagflow.typing` are listed by themselves."""


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_has_a_page(module: str) -> None:
    public = set(import_module(module).__all__) - {"maintenance", "templates"}  # these are modules
    assert sorted(public - NAMES - set(typing.__all__)) == []


def test_every_verb_has_a_page() -> None:
    paths = {path for path, _ in DOCUMENTED}
    for noun, kind in list_nouns():
        home = f"itagflow.api.{noun}.{noun.capitalize()}" if noun else "itagflow.Flow"
        verbs = [name for name, verb in vars(kind).items() if callable(verb) and name[0] != "_"]
        assert [f"{home}.{name}" for name in verbs if f"{home}.{name}" not in paths] == []


def test_nothing_has_two_pages() -> None:
    times = Counter(path for path, _ in DOCUMENTED)
    assert [path for path, number in times.items() if number > 1] == []


def test_the_first_page_lists_every_verb_with_what_it_does() -> None:
    tables = render_verbs()
    assert tables.count("\n| {py:meth}") > 80
    assert "| {py:meth}`flow.claim <itagflow.Flow.claim>` | Take the n" in tables
    assert "{py:meth}`flow.jobs.create <itagflow.api.jobs.Jobs.create>`" in tables
    assert "|  |" not in tables


def test_a_name_for_types_is_shown_as_it_is_written() -> None:
    assert read_name("itagflow.typing", "MemberRef") == (
        "Member | int | str",
        "A member, the key, or the account.",
    )
    with pytest.raises(LookupError, match=r"itagflow\.typing\.Nothing"):
        read_name("itagflow.typing", "Nothing")
    listed = render_aliases()
    assert all(f".. py:type:: {name}\n" in listed for name in typing.__all__)


def test_verbs_in_docstrings_are_links() -> None:
    assert link_verbs("see `flow.claim`") == "see :py:meth:`flow.claim <itagflow.Flow.claim>`"
    assert link_verbs("``flow.claim``") == "``flow.claim``"


def test_a_block_documents_classes_functions_and_verbs() -> None:
    assert find_owner("itagflow.Flow") is Flow
    assert find_owner("itagflow") is itagflow
    lines = render_names("itagflow.model", "Job\nStage").splitlines()
    assert lines[0] == ".. autoclass:: itagflow.model.Job"
    assert ".. automethod:: itagflow.Flow.claim" in render_names("itagflow.Flow", "claim")
    assert ".. py:data:: itagflow.access.TABLE" in render_names("itagflow.access", "TABLE")
    assert ":canonical:" in render_names("itagflow.quality", "Marks")
