"""Retired words come back nowhere: `retired.txt` lists them, with what is said instead."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
FOLDERS = ("src", "tests", "docs", "benchmarks", "fuzz", "examples")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
CODE = re.compile(r"^```(?:python|py|sql)\n(.*?)^```|``?([^`\n]+)``?", re.MULTILINE | re.DOTALL)


def lists(text: str) -> dict[str, dict[str, str]]:
    """The sections of `retired.txt`: what is retired, and the new word for each."""
    found: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            old, _, new = line.rpartition(" -> ")
            section[old] = new
    return found


RETIRED = lists((HERE / "retired.txt").read_text("utf-8"))
PHRASES = {re.compile(old, re.IGNORECASE): new for old, new in RETIRED["phrases"].items()}


def tokens(name: str) -> set[str]:
    """The parts of a name: `hold_turn` and `TurnState` both have a "turn"."""
    return {part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def files() -> Iterator[Path]:
    """Every text of the project that people read or run, but the list itself and old changes."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".sql", ".md"} and HERE not in path.parents:
                yield path
    yield from (ROOT / name for name in ("README.md", "CONTRIBUTING.md", "conftest.py"))


def words(path: Path) -> tuple[set[str], str]:
    """The identifiers of a file, and its prose."""
    text = path.read_text("utf-8")
    if path.suffix == ".sql":
        return set(NAME.findall(re.sub(r"--.*", "", text))), text
    if path.suffix == ".md":
        code = " ".join(f"{block} {span}" for block, span in CODE.findall(text))
        return set(NAME.findall(code)), flat(text)
    return python_words(text)


def python_words(text: str) -> tuple[set[str], str]:
    """The identifiers of Python code, with strings that are a name, and its comments and strings."""
    names, prose, comments = set[str](), list[str](), list[str]()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME:
            names.add(token.string)
        elif token.type == tokenize.COMMENT:
            comments.append(token.string.lstrip("# "))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name):
            names.add(node.id)  # also those inside of an f-string, which is one token
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif (string := text_of(node)).isidentifier():
            names.add(string)  # a key of an event, a column, a field
        elif string:
            prose.append(flat(string))
            if is_sql(string):
                names.update(NAME.findall(string))
    return names, "\n".join([*prose, " ".join(comments)])


def text_of(node: ast.AST) -> str:
    """What a string says, with a number for each value of an f-string; nothing of other nodes."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr():
            return "".join(text_of(part) or "1" for part in node.values)
        case _:
            return ""


def is_sql(text: str) -> bool:
    """Whether a string is a statement."""
    return bool(re.match(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE) ", text))


def flat(text: str) -> str:
    """Prose without its line breaks, at which a phrase may be cut in two."""
    return re.sub(r"\s+", " ", text)


def retired_in(names: set[str], prose: str) -> list[str]:
    """What of a file is retired, with the new word."""
    found = [
        f"{name}: say {RETIRED['names'][name]}" for name in sorted(names & RETIRED["names"].keys())
    ]
    for name in sorted(names):
        found += [
            f"{name}: say {RETIRED['tokens'][part]}"
            for part in sorted(tokens(name) & RETIRED["tokens"].keys())
        ]
    for phrase, new in PHRASES.items():
        found += [f"{match[0]!r}: say {new}" for match in phrase.finditer(prose)]
    return found


@pytest.mark.parametrize("path", list(files()), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_retired_word_is_used(path: Path) -> None:
    assert retired_in(*words(path)) == []


@pytest.mark.parametrize("section", ["names", "tokens", "phrases"])
def test_every_line_has_an_old_and_a_new_word(section: str) -> None:
    assert RETIRED[section]
    assert all(old and new and old != new for old, new in RETIRED[section].items())


@pytest.mark.parametrize("name", list(RETIRED["names"]))
def test_a_retired_name_is_found(name: str) -> None:
    assert retired_in(*python_words(f"{name} = 1"))
    assert retired_in(*python_words(f"data = {{'{name}': 1}}"))
    assert retired_in(*python_words(f"query = 'SELECT {name} FROM x'"))


@pytest.mark.parametrize("part", list(RETIRED["tokens"]))
def test_a_retired_part_of_a_name_is_found(part: str) -> None:
    assert retired_in(*python_words(f"def count_{part}(): ..."))
    assert retired_in(*python_words(f"class Count{part.title()}: ..."))


@pytest.mark.parametrize(
    "text",
    [
        '"""Every turn on a package."""',
        "# what is to be put\n# right by people",
        'raise ValueError(f"turn {number} is not held by {member}")',
        '"""What an\nembedder knows."""',
    ],
)
def test_a_retired_phrase_is_found_across_lines_and_in_messages(text: str) -> None:
    assert retired_in(*python_words(text))


def test_other_meanings_are_left_alone() -> None:
    assert (
        retired_in(*python_words('"""Each waits in turn.  Part of a text; turn it around."""'))
        == []
    )
