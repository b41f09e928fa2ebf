"""What is named on the command line: stores, workspaces, jobs, members, templates."""

from __future__ import annotations

import os
from pathlib import Path

from itagflow import jsontext
from itagflow.errors import InvalidData, Problem, StoreFailed
from itagflow.flow import Flow
from itagflow.json import from_json, parse_key
from itagflow.model.template import Template
from itagflow.opening import open as open_flow
from itagflow.storage._secrets import is_path
from itagflow.typing import JobRef, TemplateRef

KEY = "key:"
"""What stands before a key; anything else is a name."""


def open_existing(url: str) -> Flow:
    """Open a store that is there: a mistyped path would become a new and empty one.

    Raises:
        StoreFailed: when there is no such file.
    """
    path = url.partition("?")[0].removeprefix("sqlite:///")
    if is_path(path) and path != "memory:" and not os.path.exists(path):
        hint = "Check the path; flow = itagflow.open(path) makes a new store"
        raise StoreFailed(path, "there is no such file", hint)
    return open_flow(url)


def parse_name(text: str) -> int | str:
    """Return the name of a workspace or a member, or what ``key:`` stands before.

    >>> parse_name("street"), parse_name("7"), parse_name("key:7")
    ('street', '7', 7)
    """
    if text.startswith(KEY):
        return parse_key(text.removeprefix(KEY))
    return text


def parse_optional_name(text: str | None) -> int | str | None:
    """Return the same, or None for None."""
    return None if text is None else parse_name(text)


def parse_job(text: str) -> JobRef:
    """Return a job: its name, its key, or the names of workspace and job with a slash between.

    >>> parse_job("signs"), parse_job("street/signs"), parse_job("key:7")
    ('signs', ('street', 'signs'), 7)
    """
    # a job's name has no slash
    workspace, slash, name = text.rpartition("/")
    if slash:
        return (parse_name(workspace), name)
    return parse_name(text)


def parse_optional_job(text: str | None) -> JobRef | None:
    """Return the same, or None for None."""
    return None if text is None else parse_job(text)


def parse_template(text: str) -> TemplateRef:
    """Return a template: the name of one of the workspace, its key, or that of a JSON file.

    Raises:
        InvalidData: when the file holds no template.
        StoreFailed: when it cannot be read.
    """
    if not text.endswith(".json"):
        return parse_name(text)
    try:
        content = jsontext.loads(Path(text).read_bytes())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StoreFailed(text, reason, "Check the path of the template") from error
    except (ValueError, RecursionError) as error:
        raise InvalidData(text, [Problem("", f"is not JSON: {error}")]) from error
    return from_json(Template, content)
