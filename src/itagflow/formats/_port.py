"""What a format is: two functions, the options that it declares, and what it is told and tells."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, Protocol, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._arguments import MAX_LIMIT, make_error, parse_texts
from itagflow.formats._files import MAX_ROW_BYTES, Source, Target
from itagflow.model.arguments import is_several, require_flag
from itagflow.model.job import STAGES, Stage
from itagflow.model.number import require_whole_number
from itagflow.model.result import Result, StageResult
from itagflow.model.task import Row, Task
from itagflow.model.template import Question, Template
from itagflow.model.text import require_text
from itagflow.printing import format_count, list_counts, make_printable
from itagflow.reprs import show_fields, show_in_notebook

Lossy = Literal["report", "error"]
"""What becomes of what a format cannot hold: it is left out and counted, or refused."""

LOSSY: tuple[Lossy, ...] = ("report", "error")


@attrs.frozen(kw_only=True)
class WriteReport:
    """What an export wrote, and what it could not write.

    >>> print(WriteReport(rows=3, blocks={Stage.LABEL: 2}, abandoned=1, unfinished=0))
    wrote 3 rows: 2 with a result of label, 1 abandoned
    >>> print(WriteReport(rows=1, blocks={}, abandoned=0, unfinished=1, losses={"votes": 2}))
    wrote 1 row: 1 unfinished; what the format cannot hold: votes: 2
    >>> print(WriteReport(rows=0, blocks={}, abandoned=0, unfinished=0, complete_to=57))
    wrote 0 rows: none has a result; complete to position 57
    """

    rows: int
    """How many tasks were written, one row each."""
    blocks: Mapping[Stage, int] = attrs.field(hash=False)
    """How many of the rows hold a result of each stage that was asked for."""
    abandoned: int
    """How many tasks are abandoned at the last of these stages that they reached."""
    unfinished: int
    """How many tasks have no result at any of these stages."""
    erased: int = 0
    """How many tasks were left out because their data was erased."""
    withdrawn: int = 0
    """How many tasks were left out because they were withdrawn."""
    losses: Mapping[str, int] = attrs.field(factory=dict[str, int], hash=False)
    """What the format cannot hold and is not in the file, by what it is; how many of each."""
    removed: int = 0
    """How many tasks of an earlier file are taken out of it; see ``since`` of an export."""
    complete_to: int = attrs.field(default=0, eq=False)
    """The position in the history up to which an export has everything: the next one can go on
    from there; not part of equality.  0 without a store."""
    sha256: str = ""
    """The hash of the file that an export has written; empty for several, and without a store."""
    splits: Mapping[str, int] = attrs.field(factory=dict[str, int], hash=False)
    """How many tasks are in each of the files of a split, by its name."""

    def __add__(self, other: "WriteReport") -> "WriteReport":
        """Return what was written in all."""
        return WriteReport(
            rows=self.rows + other.rows,
            blocks={stage: count + other.blocks[stage] for stage, count in self.blocks.items()},
            abandoned=self.abandoned + other.abandoned,
            unfinished=self.unfinished + other.unfinished,
            erased=self.erased + other.erased,
            withdrawn=self.withdrawn + other.withdrawn,
            removed=self.removed + other.removed,
            complete_to=max(self.complete_to, other.complete_to),
            losses=dict(Counter(self.losses) + Counter(other.losses)),
        )

    def __str__(self) -> str:
        counts = [(n, f"with a result of {stage.value}") for stage, n in self.blocks.items()]
        names = ("abandoned", "unfinished", "erased", "withdrawn", "removed")
        counts += [(getattr(self, name), name) for name in names]
        parts = [f"{format_count(self.rows, 'row')}: {list_counts(counts) or 'none has a result'}"]
        if self.losses:
            losses = ", ".join(f"{what}: {count}" for what, count in self.losses.items())
            parts.append(f"what the format cannot hold: {losses}")
        if self.complete_to:
            parts.append(f"complete to position {self.complete_to}")
        return make_printable(f"wrote {'; '.join(parts)}")

    __repr__ = show_fields
    _repr_html_ = show_in_notebook


@attrs.frozen
class FormatOption:
    """An option that a format declares: callers may give it by name, and it is checked first.

    >>> FormatOption("bom", bool, False).parse(True)
    True
    """

    name: str
    """The name by which it is given."""
    kind: type
    """``bool``, ``int``, ``str``, or ``tuple`` for several texts."""
    default: Any = attrs.field(hash=False)
    """What it is unless given; where that is None, None may be given too."""
    choices: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    """The texts that it may be; empty: any."""
    least: int = attrs.field(default=0, kw_only=True)
    """The least number that it may be."""
    most: int = attrs.field(default=MAX_LIMIT, kw_only=True)
    """The greatest number that it may be."""

    def parse(self, value: Any) -> Any:
        """Return *value* as the format gets it.

        Raises:
            InvalidData: when it is of another kind, or is none that there is.
        """
        if value is None and self.default is None:
            return None
        if self.kind is bool:
            return require_flag("the format", self.name, value)
        if self.kind is int:
            return require_whole_number(
                "the format", self.name, value, least=self.least, most=self.most
            )
        if self.kind is tuple:
            return parse_texts(self.name, value)
        text = require_text("the format", self.name, value)
        if self.choices and text not in self.choices:
            raise make_error(self.name, " or ".join(map(repr, self.choices)), value)
        return text

    __repr__ = show_fields


NUMBERS_OF_A_JOB = 1_000_000_000
"""How many numbers each of several jobs has for its tasks: more than it can have tasks."""
LIMIT = FormatOption("limit", int, MAX_ROW_BYTES, least=1)
"""How many bytes a row may have; a longer one is never held in memory."""
CLASSES = FormatOption("classes", tuple, ())
"""The names of the classes in the order of their ids, where those of the template are others."""

ACCOUNTS = FormatOption("accounts", bool, False)
"""Whether a file calls people by their accounts, and not by pseudonyms; see `name_member`."""


@attrs.frozen(kw_only=True)
class FormatContext:
    """What a format is told besides where it reads from or writes to; all of it is checked.

    The size of an image is not here: each `Regions` has the size in which it was answered.
    """

    template: Template | None = None
    """What is asked; always there for ``write``, and for ``read`` where results are wanted."""
    stages: tuple[Stage, ...] = STAGES
    """The stages whose results are written, in the order of the stages."""
    fields: tuple[str, ...] = ()
    """The fields of ``data`` that every row needs, where a file tells its fields at once."""
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any], hash=False)
    """Every option that the format declares for what is done, given or by default."""
    lossy: Lossy = "report"
    """What becomes of what the format cannot hold."""
    jobs: tuple[int, ...] = ()
    """The jobs that the results are of, in their order, where they are known."""
    job_names: Mapping[int, str] = attrs.field(factory=dict[int, str], hash=False)
    """What each of these jobs is called, by key."""
    is_increment: bool = False
    """Whether files are put together: each names its tasks, and takes some out of those before."""
    name_member: Callable[[int], str] = attrs.field(default=str, eq=False)
    """What a file calls the member with this key: a pseudonym, or the account where the format has
    the option `ACCOUNTS` and it is on; the key where results come without a job."""

    @property
    def asked(self) -> Template:
        """The template.

        Raises:
            InvalidData: when there is none.
        """
        if self.template is None:
            raise make_error("template", "given: the format needs what was asked", None)
        return self.template

    def number_classes(self, question: Question) -> dict[str, int]:
        """Return the ids of the classes of *question*, from 0, by name.

        They follow from the template, or from the option ``classes``, and never from the rows: the
        ids of two exports are the same.

        Args:
            question: One that has options.

        Raises:
            InvalidData: when the option ``classes`` leaves an option out, or has a name twice.

        >>> from itagflow.templates import image_classification
        >>> template = image_classification(["zebra", "ant"])
        >>> FormatContext(template=template).number_classes(template.questions[0])
        {'zebra': 0, 'ant': 1}
        """
        keys = [option.key for option in question.options]
        names = list(self.options.get(CLASSES.name) or keys)
        missing = [key for key in keys if key not in names]
        if missing or len(set(names)) < len(names):
            reason = f"must have each option of {question.title!r} once: {', '.join(keys)}"
            raise InvalidData("the format", [Problem(CLASSES.name, reason)])
        return {name: number for number, name in enumerate(names)}

    def number_task(self, task: Task) -> int:
        """Return a number of *task* that no other in the file has: that in its job, for one job.

        The numbers of the second job begin behind 1,000,000,000, those of the third behind twice
        as much: they stay when tasks are added to a job, or jobs behind the others.

        >>> from itagflow.testing import make_task
        >>> context = FormatContext(jobs=(4, 9))
        >>> context.number_task(make_task(2, job=4)), context.number_task(make_task(2, job=9))
        (2, 1000000002)
        """
        index = self.jobs.index(task.job) if task.job in self.jobs else 0
        return index * NUMBERS_OF_A_JOB + task.number

    def find_block_job(self, task: Task) -> int:
        """Return the job whose key stands in the names of blocks of results: the first one."""
        return self.jobs[0] if self.jobs else task.job

    __repr__ = show_fields


class Format(Protocol):
    """What a format offers; a module with these two functions is one, and so is any object.

    It may have further attributes. ``READ_OPTIONS`` and ``WRITE_OPTIONS`` list the
    `FormatOption` values that its functions take. With ``CONCATENABLE = True`` it says that the
    files of a job's parts, one after the other, are the file of the job. With ``INCREMENTAL =
    True`` it says that a file can have only what changed since an earlier one: ``write`` then
    gets results that are ``removed``, too, and says so in the file.
    """

    def read(self, source: Source, context: FormatContext, /) -> Iterator[Row | Problem]:
        """Yield the rows of *source* one by one, or what is wrong with one of them.

        Results stand in a row as in iTAG's manifest: `itagflow.formats.kit.render_row` makes such a
        row.

        Args:
            source: A path, an open binary file, or anything path-like with ``open`` and ``/``.
            context: What is asked, and the options.
        """
        ...

    def write(
        self, results: Iterable[Result], target: Target, context: FormatContext, /
    ) -> WriteReport:
        """Write *results* to *target*, one after the other, and return what was written.

        Args:
            results: The tasks with their results, in the order in which they are to be written.
            target: A path, an open binary file, or anything path-like with ``open`` and ``/``.
            context: What was asked, the stages that are wanted, and the options.
        """
        ...


FormatRef = str | Format
"""The name of a format, or a format itself."""


@attrs.define(eq=False)
class Counts:
    """The numbers of tasks and results that an export has written so far, and what it lost."""

    context: FormatContext
    blocks: dict[Stage, int] = attrs.field(init=False)
    """How many results there are at each stage that is asked for, in the order of the stages."""
    rows: int = attrs.field(default=0, init=False)
    """How many tasks there are."""
    abandoned: int = attrs.field(default=0, init=False)
    """How many of them are abandoned."""
    unfinished: int = attrs.field(default=0, init=False)
    """How many of them have no result."""
    removed: int = attrs.field(default=0, init=False)
    """How many further tasks are taken out of an earlier file."""
    losses: Counter[str] = attrs.field(factory=Counter[str], init=False)
    """What was left out, by what it is."""

    def __attrs_post_init__(self) -> None:
        """Begin to count at the stages that are asked for."""
        self.blocks = dict.fromkeys(self.context.stages, 0)

    def add_task(self, result: Result) -> list[StageResult]:
        """Count a task, and return its results at the requested stages, in the order of stages.

        Raises:
            InvalidData: when it is no Result.
        """
        if not isinstance(cast(object, result), Result):
            raise make_error("results", "an iterable of Result", result)
        if result.removed:
            self.removed += 1
            return []
        reached = [result.stages[stage] for stage in self.blocks if stage in result.stages]
        self.rows += 1
        if not reached:
            self.unfinished += 1
        elif reached[-1].replies is None:
            # by the last stage: a reviewer may have answered what the labeler had abandoned
            self.abandoned += 1
        for stage_result in reached:
            if stage_result.replies is not None:
                self.blocks[stage_result.stage] += 1
        return reached

    def lose(self, task: Task, what: str) -> None:
        """Count something that the format cannot hold, which the writer leaves out.

        Args:
            task: Where it is.
            what: What it is, such as ``"holes of polygons"``; equal ones are counted together.

        Raises:
            InvalidData: when nothing may be lost.
        """
        if self.context.lossy == "error":
            reason = "cannot be held by the format: lossy='report' leaves it out and counts it"
            raise InvalidData(str(task), [Problem(what, reason)])
        self.losses[what] += 1

    def build_report(self) -> WriteReport:
        """Return what has been counted."""
        return WriteReport(
            rows=self.rows,
            blocks=self.blocks,
            abandoned=self.abandoned,
            unfinished=self.unfinished,
            removed=self.removed,
            losses=dict(self.losses),
        )


def parse_options(format: object, name: str, attribute: str, given: Mapping[str, Any]) -> Any:
    """Return every option that a format declares, as given or by default.

    Args:
        format: The format.
        name: What it is called.
        attribute: Where it declares the options: ``READ_OPTIONS`` or ``WRITE_OPTIONS``.
        given: What the caller gives.

    Raises:
        InvalidData: when there is no such option, or its value is none that it can be.
    """
    declared: Iterable[FormatOption] = getattr(format, attribute, ())
    options = {option.name: option for option in declared}
    reason = f"is no option of the format {name!r}; it has {', '.join(options) or 'none'}"
    if problems := [Problem(each, reason) for each in given if each not in options]:
        raise InvalidData("the format", problems)
    return {
        each: option.parse(given[each]) if each in given else option.default
        for each, option in options.items()
    }


def parse_jobs(value: object) -> tuple[int, ...]:
    """Return the keys of jobs, in the order in which they are given.

    Raises:
        InvalidData: when they are none.
    """
    if not is_several(value):
        raise make_error("jobs", "several keys of jobs, such as a list", value)
    given = cast("Iterable[int]", value)
    jobs = [require_whole_number("the format", "jobs", each) for each in given]
    return tuple(dict.fromkeys(jobs))


def parse_lossy(value: object) -> Lossy:
    """Return what becomes of what a format cannot hold.

    Raises:
        InvalidData: when it is no word that there is.
    """
    for word in LOSSY:
        if isinstance(value, str) and value == word:
            return word
    raise make_error("lossy", " or ".join(map(repr, LOSSY)), value)
