"""Lines of training data as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from itagflow import jsontext
from itagflow.errors import InvalidData, Problem
from itagflow.formats import itag
from itagflow.formats._files import Source
from itagflow.formats._plain import is_a
from itagflow.formats._port import FormatContext
from itagflow.formats._rows import render_row
from itagflow.model.job import Stage
from itagflow.model.task import Row
from itagflow.storage import codec

Parse = Callable[[Mapping[str, Any]], tuple[dict[str, Any], str, Mapping[str, Any]]]
"""Makes of a line the data, the id of the question, and the reply as plain JSON."""


def read_lines(
    source: Source, context: FormatContext, parse: Parse | None
) -> Iterator[Row | Problem]:
    """Yield a row for each line, or what is wrong with it.

    Args:
        source: What is read.
        context: What is asked, and how long a line may be.
        parse: Makes data and a reply of a line; None: its data is what the line has.
    """
    for line in itag.read(source, context):
        if isinstance(line, Problem):
            yield line
            continue
        try:
            yield _read_row(line, context, parse)
        except KeyError as error:
            yield Problem(f"line {line.line}", f"lacks {error}")
        except InvalidData as error:
            for problem in error.problems:
                yield Problem(f"line {line.line}, {problem.where}", problem.reason)
        except (ValueError, RecursionError) as error:
            yield Problem(f"line {line.line}", str(error))


def _read_row(line: Row, context: FormatContext, parse: Parse | None) -> Row:
    content: Any = jsontext.loads(line.text)
    if not is_a(content, dict):
        raise ValueError("must be an object")
    if parse is None:
        return render_row({"data": content}, {}, None, line=line.line)
    data, id, plain = parse(content)
    results = {Stage.LABEL: {id: codec.decode_reply(plain)}}
    return render_row({"data": data}, results, context.template, line=line.line)
