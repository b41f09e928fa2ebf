"""In which order a person sees the options of a question: by hash, so always the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256

from itagflow.model.task import Order
from itagflow.model.template import Option, Template


def shuffle_options(template: Template, seed: int, task: int, member: int | None) -> Order:
    """Return the order of the options of every question of *template* that shuffles them.

    It is another one for each *seed* of a job, *task* and *member*; nobody sees merged votes, whose
    *member* is None.  Options inside another stay behind it.  Questions with the same options show
    them in the same order, so that a screen can show the texts behind these keys once.

    >>> from itagflow import templates
    >>> shuffle_options(templates.preference_ranking(["a", "b", "c"]), 7, 1, 2)
    {'1': ('b', 'c', 'a')}
    """
    if member is None or not template.shuffled:
        return {}
    place = f"{seed}/{task}/{member}"
    return {
        question.id: tuple(_sort_keys(place, question.options)) for question in template.shuffled
    }


def _sort_keys(place: str, options: Iterable[Option]) -> Iterator[str]:
    # sorted by hash, and not dealt out by a random generator: an option that is added or dropped
    # leaves the order of the others alone, and every Python version has the same order
    for option in sorted(options, key=lambda each: _hash_key(place, each.key)):
        yield option.key
        yield from _sort_keys(place, option.children)


def _hash_key(place: str, key: str) -> bytes:
    return sha256(f"{place}/{key}".encode()).digest()
