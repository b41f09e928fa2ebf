"""In which part of a split a task is, and the files of the parts."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itagflow import InvalidData, Split, Task
from itagflow.results import split_rules as rules
from itagflow.results.split_rules import SplitPart
from itagflow.results.splitting import name_targets

THREE = Split({"train": 0.8, "validation": 0.1, "test": 0.1})
PLACES = "rrrrrrrrrrrrrrrrerrrrrrrrrrrarrrrrrrrrrr"
"""The second letters of the parts of the tasks 1 to 40: train, validation, test."""


def task(number: int, key: str = "", row: str = '{"data": {}}') -> Task:
    return Task(job=4, number=number, package=1, row=row, row_key_text=key)


def test_the_parts_have_about_their_shares() -> None:
    found = Counter(rules.choose_part(THREE, task(1, f"{n}.jpg")) for n in range(10_000))
    assert found.keys() == THREE.shares.keys()
    for name, share in THREE.shares.items():
        assert abs(found[name] - 10_000 * share) < 200


def test_where_a_task_is_does_not_change_from_version_to_version() -> None:
    found = [rules.choose_part(THREE, task(n)) for n in range(1, 41)]
    assert "".join(name[1] for name in found) == PLACES


@given(st.text(min_size=1), st.integers(0, 9), st.integers(0, 9))
def test_it_follows_from_the_key_and_the_seed_alone(key: str, one: int, other: int) -> None:
    split = Split(THREE.shares, seed=7)
    name = rules.choose_part(split, task(one, key))
    assert rules.choose_part(split, task(other, key, '{"data": {"more": 1}}')) == name
    assert [part for part in split.shares if SplitPart(split, part).has(task(1, key))] == [name]


def test_another_seed_divides_otherwise() -> None:
    places = [
        [rules.choose_part(Split(THREE.shares, seed=seed), task(n)) for n in range(100)]
        for seed in (1, 2)
    ]
    assert places[0] != places[1]


def test_a_group_stays_together() -> None:
    split = Split({"train": 0.5, "test": 0.5}, by="patient")
    for patient in ('"p7"', "7", "null"):
        row = f'{{"data": {{"patient": {patient}}}}}'
        assert len({rules.choose_part(split, task(n, f"k{n}", row)) for n in range(50)}) == 1


def test_a_task_without_the_field_of_its_group() -> None:
    with pytest.raises(InvalidData, match=r"task 3: data\.patient: is missing"):
        rules.choose_part(Split({"all": 1}, by="patient"), task(3))


def test_one_part_has_everything() -> None:
    assert all(rules.choose_part(Split({"all": 1}), task(n)) == "all" for n in range(100))


class TestNameTargets:
    def test_a_path(self) -> None:
        found = name_targets("out/{split}/cats.{split}.csv", THREE)
        assert found["validation"] == "out/validation/cats.validation.csv"
        assert list(found) == ["train", "validation", "test"]
        assert name_targets(Path("{split}.csv"), THREE)["test"] == "test.csv"

    def test_a_place_for_each(self) -> None:
        places = {"test": io.BytesIO(), "train": "a.csv", "validation": Path("b.csv")}
        found = name_targets(places, THREE)
        assert list(found) == ["train", "validation", "test"]
        assert found == places

    @pytest.mark.parametrize(
        ("target", "reason"),
        [
            ("cats.csv", r"must be a path with \{split\} in it"),
            (io.BytesIO(), r"must be a path with \{split\} in it"),
            ({"train": "a", "test": "b"}, "must have a place for each of train, validation, test"),
            ({"train": "a", "validation": "./a", "test": "b"}, "has the same path twice"),
        ],
    )
    def test_what_does_not_say_where(self, target: Any, reason: str) -> None:
        with pytest.raises(InvalidData, match=reason):
            name_targets(target, THREE)
