"""Runs the code blocks of README and docs, and the examples in docstrings, each document in a folder of its own."""

from __future__ import annotations

import os
import tempfile
from importlib.util import find_spec
from typing import Any

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser


def enter(namespace: dict[str, Any]) -> None:
    namespace["_folder"] = tempfile.TemporaryDirectory()
    namespace["__name__"] = "__main__"  # as in a script: frameworks ask functions for it
    namespace["find_spec"] = find_spec  # for blocks that need what may not be installed
    namespace["_home"] = os.getcwd()
    os.chdir(namespace["_folder"].name)


def leave(namespace: dict[str, Any]) -> None:
    os.chdir(namespace["_home"])
    namespace["_folder"].cleanup()


def pytest_addoption(parser: pytest.Parser) -> None:
    # here and not in tests/conftest.py: an option must be known whatever paths are given
    parser.addoption(
        "--stores",
        help="the stores on which tests run that run on every store, such as: memory,sqlite;"
        " unless given, some run on memory and on one of the two others: see tests/conftest.py",
    )


collect_ignore: list[str] = []
if not find_spec("msgspec"):
    collect_ignore.append("src/itagflow/jsontext/fast.py")  # needs the extra `fast`
pages = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()], patterns=["*.md"], setup=enter, teardown=leave
)
docstrings = Sybil(
    path="src", parsers=[DocTestParser()], patterns=["*.py"], setup=enter, teardown=leave
)
pytest_collect_file = (pages + docstrings).pytest()
