"""Run data-labeling work inside any Python program: packages, assignments, reviews, results.

>>> import itagflow
>>> with itagflow.open("memory:") as flow:
...     street = flow.workspaces.create("street", admin="ada")
>>> street.name
'street'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from itagflow.access import (
    Action,
    Grant,
    TablePolicy,
    default_policy,
    strict_policy,
)
from itagflow.claiming.explaining import Permission
from itagflow.errors import (
    AlreadyExists,
    Conflict,
    Incomplete,
    InvalidData,
    ItagflowError,
    NotAllowed,
    NotFound,
    NotHeld,
    NotRegistered,
    Problem,
    RuleError,
    StoreError,
    StoreFailed,
    UnknownFormat,
    WrongState,
)
from itagflow.flow import Flow
from itagflow.flow import open as open
from itagflow.jobs.loading_rules import LoadReport
from itagflow.model.annotation import Annotation
from itagflow.model.batch import BatchResult
from itagflow.model.event import Event, FieldChange
from itagflow.model.inconsistency import Inconsistency
from itagflow.model.job import (
    Accept,
    FixedSize,
    GroupByField,
    Inspect,
    Job,
    JobState,
    Label,
    PackageCount,
    Route,
    Stage,
    StageWorkers,
    Workflow,
)
from itagflow.model.migration import (
    AddOption,
    AddQuestion,
    DropOption,
    DropQuestion,
    RenameOption,
    RenameQuestion,
    TemplateReport,
)
from itagflow.model.package import (
    Assignment,
    AssignmentState,
    Outcome,
    Package,
    PackageState,
    Purpose,
)
from itagflow.model.partition import JobPartition
from itagflow.model.prelabel import PreLabel
from itagflow.model.region import (
    Box,
    Keypoint,
    Keypoints,
    Mask,
    Point,
    Polygon,
    Polyline,
    Regions,
    RotatedBox,
    Visibility,
)
from itagflow.model.reply import (
    Choice,
    Choices,
    Preference,
    Ranking,
    Rating,
    Text,
)
from itagflow.model.result import (
    Progress,
    Provenance,
    Result,
    StageResult,
)
from itagflow.model.segment import Segment, Segments
from itagflow.model.span import Relation, Spans, TextSpan
from itagflow.model.task import (
    Answer,
    Row,
    Task,
    TaskState,
    Verdict,
    WorkItem,
)
from itagflow.model.template import (
    Option,
    Question,
    QuestionKind,
    Scale,
    Shape,
    Template,
    View,
    ViewKind,
)
from itagflow.model.workspace import (
    Group,
    Member,
    Role,
    Workspace,
)
from itagflow.prelabels.rules import PrelabelReport

if TYPE_CHECKING:
    from itagflow import formats, maintenance, prelabels, templates
    from itagflow.formats import WriteReport
    from itagflow.schema import answer_schema, replies_from_json, replies_to_json
    from itagflow.storage import MemoryStore, SqliteStore

__all__ = [
    "Accept",
    "Action",
    "AddOption",
    "AddQuestion",
    "AlreadyExists",
    "Annotation",
    "Answer",
    "Assignment",
    "AssignmentState",
    "BatchResult",
    "Box",
    "Choice",
    "Choices",
    "Conflict",
    "DropOption",
    "DropQuestion",
    "Event",
    "FieldChange",
    "FixedSize",
    "Flow",
    "Grant",
    "Group",
    "GroupByField",
    "Incomplete",
    "Inconsistency",
    "Inspect",
    "InvalidData",
    "ItagflowError",
    "Job",
    "JobPartition",
    "JobState",
    "Keypoint",
    "Keypoints",
    "Label",
    "LoadReport",
    "Mask",
    "Member",
    "MemoryStore",
    "NotAllowed",
    "NotFound",
    "NotHeld",
    "NotRegistered",
    "Option",
    "Outcome",
    "Package",
    "PackageCount",
    "PackageState",
    "Permission",
    "Point",
    "Polygon",
    "Polyline",
    "PreLabel",
    "Preference",
    "PrelabelReport",
    "Problem",
    "Progress",
    "Provenance",
    "Purpose",
    "Question",
    "QuestionKind",
    "Ranking",
    "Rating",
    "Regions",
    "Relation",
    "RenameOption",
    "RenameQuestion",
    "Result",
    "Role",
    "RotatedBox",
    "Route",
    "Row",
    "RuleError",
    "Scale",
    "Segment",
    "Segments",
    "Shape",
    "Spans",
    "SqliteStore",
    "Stage",
    "StageResult",
    "StageWorkers",
    "StoreError",
    "StoreFailed",
    "TablePolicy",
    "Task",
    "TaskState",
    "Template",
    "TemplateReport",
    "Text",
    "TextSpan",
    "UnknownFormat",
    "Verdict",
    "View",
    "ViewKind",
    "Visibility",
    "WorkItem",
    "Workflow",
    "Workspace",
    "WriteReport",
    "WrongState",
    "answer_schema",
    "default_policy",
    "formats",
    "maintenance",
    "prelabels",
    "replies_from_json",
    "replies_to_json",
    "strict_policy",
    "templates",
]


# What not every program needs is imported when it is first asked for: it would double the time of
# `import itagflow`.
_LAZY = {
    "MemoryStore": "itagflow.storage",
    "SqliteStore": "itagflow.storage",
    "WriteReport": "itagflow.formats",
    "answer_schema": "itagflow.schema",
    "replies_from_json": "itagflow.schema",
    "replies_to_json": "itagflow.schema",
}
_LAZY_MODULES = frozenset(
    {"formats", "maintenance", "prelabels", "schema", "storage", "templates", "testing"}
)


def __getattr__(name: str) -> Any:
    """Return the version, or what is imported when somebody first asks for it."""
    if name == "__version__":
        from importlib.metadata import version

        return version("itagflow")
    if name in _LAZY_MODULES:
        return import_module(f"itagflow.{name}")
    if name in _LAZY:
        # found without this the next time
        found = globals()[name] = getattr(import_module(_LAZY[name]), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names, also those that are not imported yet."""
    return sorted({*globals(), *__all__})
