"""All values: frozen, with a key and a version where they are stored; no I/O, no clock.

What most scripts use is at the top, such as `itagflow.Job`; the parts and steps of a template are
in `itagflow.templates` too.

A class tells in ``__module__`` where users import it from, here or at the top, so that tracebacks,
pickles and representations name public places.  Type hints that are text would be looked up there
and not in the file of the class, so the files of public classes do without
``from __future__ import annotations``.
"""

from itagflow.model.annotation import Annotation
from itagflow.model.batch import BatchResult
from itagflow.model.became import Became
from itagflow.model.comment import Comment, CommentAction, Thread
from itagflow.model.dataset import Dataset
from itagflow.model.erasing import EraseReport, TasksOfJob
from itagflow.model.event import Event, FieldChange
from itagflow.model.export import Export
from itagflow.model.guideline import Guideline
from itagflow.model.inconsistency import Inconsistency
from itagflow.model.job import (
    Accept,
    Crew,
    Inspect,
    Job,
    JobState,
    Label,
    QueueOrder,
    ReviewRule,
    Route,
    Stage,
    StageRule,
    StageWorkers,
    Workflow,
)
from itagflow.model.lot import AcceptanceLot, Lot
from itagflow.model.merging import Merge, MergeReport, OnDispute, QuestionMerge
from itagflow.model.migration import (
    AddOption,
    AddQuestion,
    DropOption,
    DropQuestion,
    RenameOption,
    RenameQuestion,
    TemplateChange,
)
from itagflow.model.overdue import OnOverdue
from itagflow.model.package import (
    Assignment,
    AssignmentState,
    Campaign,
    Outcome,
    Package,
    PackageState,
    Purpose,
)
from itagflow.model.packaging import (
    FixedSize,
    GroupByField,
    PackageCount,
)
from itagflow.model.partition import JobPartition
from itagflow.model.plan import LotEntry, LotState, LotVerdict, PackageLot, RejectedLots
from itagflow.model.prelabel import PreLabel
from itagflow.model.region import (
    Bounds,
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
from itagflow.model.reply import Choice, Choices, Preference, Ranking, Rating, Text, Tie
from itagflow.model.reports import (
    BlockedPackage,
    CheckReport,
    LoadReport,
    PrelabelReport,
    QueueReport,
    ReopenReport,
    StageQueue,
    TemplateReport,
    TickReport,
    WithdrawReport,
)
from itagflow.model.result import Progress, Provenance, Result, StageResult
from itagflow.model.rule_choices import OnAbandon, OnMaxRejects
from itagflow.model.segment import Segment, Segments
from itagflow.model.selection import Selection
from itagflow.model.skills import Field
from itagflow.model.span import Relation, Spans, TextSpan
from itagflow.model.split import Split
from itagflow.model.task import Answer, Draft, Row, Task, TaskState, Verdict, WorkItem
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
from itagflow.model.version import AnswerVersion
from itagflow.model.workspace import Group, Member, Role, Workspace

__all__ = [
    "Accept",
    "AcceptanceLot",
    "AddOption",
    "AddQuestion",
    "Annotation",
    "Answer",
    "AnswerVersion",
    "Assignment",
    "AssignmentState",
    "BatchResult",
    "Became",
    "BlockedPackage",
    "Bounds",
    "Box",
    "Campaign",
    "CheckReport",
    "Choice",
    "Choices",
    "Comment",
    "CommentAction",
    "Crew",
    "Dataset",
    "Draft",
    "DropOption",
    "DropQuestion",
    "EraseReport",
    "Event",
    "Export",
    "Field",
    "FieldChange",
    "FixedSize",
    "Group",
    "GroupByField",
    "Guideline",
    "Inconsistency",
    "Inspect",
    "Job",
    "JobPartition",
    "JobState",
    "Keypoint",
    "Keypoints",
    "Label",
    "LoadReport",
    "Lot",
    "LotEntry",
    "LotState",
    "LotVerdict",
    "Mask",
    "Member",
    "Merge",
    "MergeReport",
    "OnAbandon",
    "OnDispute",
    "OnMaxRejects",
    "OnOverdue",
    "Option",
    "Outcome",
    "Package",
    "PackageCount",
    "PackageLot",
    "PackageState",
    "Point",
    "Polygon",
    "Polyline",
    "PreLabel",
    "Preference",
    "PrelabelReport",
    "Progress",
    "Provenance",
    "Purpose",
    "Question",
    "QuestionKind",
    "QuestionMerge",
    "QueueOrder",
    "QueueReport",
    "Ranking",
    "Rating",
    "Regions",
    "RejectedLots",
    "Relation",
    "RenameOption",
    "RenameQuestion",
    "ReopenReport",
    "Result",
    "ReviewRule",
    "Role",
    "RotatedBox",
    "Route",
    "Row",
    "Scale",
    "Segment",
    "Segments",
    "Selection",
    "Shape",
    "Spans",
    "Split",
    "Stage",
    "StageQueue",
    "StageResult",
    "StageRule",
    "StageWorkers",
    "Task",
    "TaskState",
    "TasksOfJob",
    "Template",
    "TemplateChange",
    "TemplateReport",
    "Text",
    "TextSpan",
    "Thread",
    "TickReport",
    "Tie",
    "Verdict",
    "View",
    "ViewKind",
    "Visibility",
    "WithdrawReport",
    "WorkItem",
    "Workflow",
    "Workspace",
]

for _name in __all__:
    globals()[_name].__module__ = __name__
