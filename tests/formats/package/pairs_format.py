"""A format of another package: a line for each image, with its name and what was chosen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from itagflow import Choice, Result, Stage
from itagflow.formats import kit

CONCATENABLE = True
SEPARATOR = kit.FormatOption("separator", str, ",")
READ_OPTIONS = WRITE_OPTIONS = (SEPARATOR,)


def read(source: kit.Source, context: kit.FormatContext, /) -> Iterator[kit.Row | kit.Problem]:
    """Yield a row for each line, with what was chosen for its image."""
    with kit.open_source(source) as file:
        for number, line in enumerate(kit.read_lines(file, limit=1_000), 1):
            text = line and kit.decode_line(line, number)
            if not isinstance(text, str):
                yield text or kit.Problem(f"line {number}", "is empty, or too long")
                continue
            name, _, key = text.rpartition(context.options["separator"])
            results = {}
            if context.template is not None:
                results[Stage.LABEL] = {context.template.questions[0].id: Choice(key)}
            yield kit.render_row({"data": {"source": name}}, results, context.template, line=number)


def write(
    results: Iterable[Result], target: kit.Target, context: kit.FormatContext, /
) -> kit.WriteReport:
    """Write a line for each image for which something was chosen."""
    counts = kit.Counts(context)
    (question,) = context.asked.questions
    separator = context.options["separator"]
    with kit.open_target(target) as file:
        for result in results:
            reached = counts.add_task(result)
            reply = (
                reached[-1].replies.get(question.id) if reached and reached[-1].replies else None
            )
            if not isinstance(reply, Choice):
                continue
            if separator in reply.key:
                counts.lose(result.task, "answers with the separator")
                continue
            file.write(f"{result.task.data['source']}{separator}{reply.key}\n".encode())
    return counts.build_report()
