"""What a row of the SQL databases holds of an entity."""

from __future__ import annotations

import attrs
import pytest

from itagflow.model.entity import Entity
from itagflow.model.event import Event
from itagflow.storage._sql.layout import LAYOUTS
from itagflow.testing import make_event, make_one_of_each


def test_the_account_of_an_event_is_not_stored() -> None:
    layout = LAYOUTS[Event]
    event = make_event()
    row = layout.row(attrs.evolve(event, account="ben"))
    assert row == layout.row(event)
    assert layout.entity(row).account == ""


@pytest.mark.parametrize("entity", make_one_of_each(), ids=lambda entity: type(entity).__name__)
def test_a_row_that_lacks_what_has_no_default_is_no_entity(entity: Entity) -> None:
    layout = LAYOUTS[type(entity)]
    row = layout.row(entity)
    assert layout.entity(row) == entity
    required = [
        field.name
        for field in attrs.fields(type(entity))
        if field.default is attrs.NOTHING and field.name in layout.body
    ]
    if required and not layout.text:
        with pytest.raises(TypeError, match="missing"):
            layout.entity((*row[:-1], "{}"))
