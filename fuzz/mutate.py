"""Small random changes that leave JSON to be JSON: what flips bytes alone seldom gets past the parser."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any

TOKENS = (
    *(
        "data",
        "source",
        "results",
        "label-4",
        "label-15",
        "label-15-check",
        "label-15-verify",
        "questionId",
        "type",
    ),
    *(
        "markTitle",
        "rotation",
        "width",
        "height",
        "id",
        "value",
        "labels",
        "color",
        "labelColor",
        "holes",
        "box",
    ),
    *(
        "names",
        "objects",
        "result",
        "relations",
        "start",
        "end",
        "text",
        "empty",
        "duration",
        "target",
        "degree",
    ),
    *(
        "survey",
        "survey/value",
        "survey/multivalue",
        "image",
        "image/polygon",
        "image/polyline",
        "image/point",
    ),
    *(
        "image/keypoints",
        "image/mask",
        "image/rectangleLabel",
        "Single-choice",
        "Multiple-choice",
        "Relation",
    ),
    *(
        "kind",
        "key",
        "keys",
        "regions",
        "points",
        "keypoints",
        "name",
        "visibility",
        "x",
        "y",
        "angle",
        "counts",
    ),
    *(
        "spans",
        "segments",
        "better",
        "label",
        "choice",
        "choices",
        "ranking",
        "rating",
        "preference",
        "polygon",
    ),
    *(
        "rotatedbox",
        "polyline",
        "point",
        "mask",
        "1",
        "2",
        "3",
        "001",
        "cat",
        "car",
        "company",
        "bought",
    ),
    *(
        "QuestionConfigs",
        "QuestionId",
        "Type",
        "MarkTitle",
        "Options",
        "Children",
        "Key",
        "Exif",
        "itagflow",
        "shuffle",
    ),
)
"""Keys and constants of the formats."""
SIGNS = (
    "(",
    ")",
    "(?:",
    "|",
    "*",
    "+",
    "?",
    "*?",
    "{2}",
    "{0,3}",
    "{1,}",
    "[a-c]",
    "[^a]",
    "\\d",
    "\\.",
    "^",
    "$",
    ".",
)
"""What regular expressions are made of."""
QUOTES = (
    "",
    ",",
    '"',
    '""',
    "'",
    "\r",
    "\\",
    "\0",
    "\x80",
    "{}",
    "[]",
    ":",
    "1",
    "-",
    "e9",
    "null",
    "NaN",
    "\ufeff",
)
"""What CSV and JSON are held together by, and a few scalars."""
VALUES: tuple[Any, ...] = (
    *(
        0,
        1,
        2,
        3,
        -1,
        90,
        4,
        0.5,
        -0.0,
        1e-9,
        1e308,
        2**53 + 1,
        10**400,
        float("nan"),
        float("inf"),
        True,
        None,
    ),
    *(
        "",
        " ",
        "\0",
        "\ud800",
        "猫",
        "0",
        "1e400",
        [],
        {},
        [[]],
        ["cat"],
        [0, 0],
        [[0, 0], [5, 0], [5, 5], [0, 5]],
    ),
)
"""Values on which readers stumble."""


def mutated(data: bytes, random: Random) -> bytes:
    """Return *data* with one to four changes to one of its lines, made at random."""
    lines = data.split(b"\n")
    at = random.randrange(len(lines))
    for _ in range(random.randint(1, 4)):
        try:
            tree = json.loads(lines[at])
        except (ValueError, RecursionError):
            tree = None
        lines[at] = (
            _changed_text(lines[at], random)
            if not isinstance(tree, dict | list)
            else _changed(tree, random)
        )
    return b"\n".join(lines)


def _changed_text(line: bytes, random: Random) -> bytes:
    start = random.randint(0, len(line))
    end = random.choice((start, random.randint(start, len(line))))
    known = random.choice((SIGNS, QUOTES, TOKENS))
    new = random.choice((*known, line[end:].decode(errors="replace")))
    return line[:start] + new.encode(errors="replace") + line[end:]


def _changed(tree: Any, random: Random) -> bytes:
    places = list(_places(tree))
    if not places:
        return b'{"data": {}}'
    home, key = random.choice(places)
    match random.randrange(6):
        case 0:
            del home[key]
        case 1 if isinstance(home, list):
            home.insert(key, copy.deepcopy(random.choice(home)))
        case 1:
            home[random.choice(TOKENS)] = home.pop(key)
        case 2:
            other, place = random.choice(places)
            home[key] = copy.deepcopy(other[place])
        case 3 if isinstance(home, dict):
            home[random.choice(TOKENS)] = copy.deepcopy(random.choice(VALUES))
        case 4:
            home[key] = random.choice(TOKENS)
        case _:
            home[key] = copy.deepcopy(random.choice(VALUES))
    return json.dumps(tree, ensure_ascii=random.random() < 0.5).encode(errors="backslashreplace")


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yield where values are: in what, and under which key or index."""
    todo = [tree]
    while todo:
        home = todo.pop()
        for key in home if isinstance(home, dict) else range(len(home)):
            yield home, key
            if isinstance(home[key], dict | list):
                todo.append(home[key])
