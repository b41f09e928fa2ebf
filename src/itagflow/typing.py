"""Names for the types in public signatures, to annotate code of your own.

Classes are at the top, such as `Job`, or in ``itagflow.model``.  What is here are unions,
functions and protocols: what may be passed for a job, a reply or rows.

>>> from itagflow import Flow
>>> from itagflow.typing import JobRef, MemberRef
>>> def finish_and_archive(flow: Flow, job: JobRef, by: MemberRef) -> None:
...     flow.jobs.finish(job, by=by)
...     flow.jobs.archive(job, by=by)
"""

from __future__ import annotations

from itagflow.access import Policy, Table
from itagflow.claiming.asking import NumberedTask as NumberedTaskRef
from itagflow.claiming.explaining import Place as EntityRef
from itagflow.comments.service import TaskPlace, ThreadRef
from itagflow.core.counted import Wrap as ProgressWrapper
from itagflow.core.engine import Clock, Listener
from itagflow.core.lookup import (
    AssignmentRef,
    JobRef,
    JobsRef,
    MemberRef,
    PackageRef,
    PartitionRef,
    TaskRef,
    TemplateRef,
    WorkspaceRef,
)
from itagflow.core.registry import MergeFunction
from itagflow.core.transaction import Ids as IdSource
from itagflow.formats._files import Source, Target
from itagflow.formats._port import FormatRef, Lossy
from itagflow.jobs.arguments import JobFields, JobNotes, Workers, Workforce
from itagflow.jobs.loading import OnError
from itagflow.jobs.priorities import TaskScores
from itagflow.jobs.reopening import Assignee
from itagflow.jobs.row_sources import Data as RowSource
from itagflow.jobs.row_sources import DataFrame
from itagflow.model.annotation import Labels
from itagflow.model.dataset import Duplicates
from itagflow.model.entity import Entity, Key
from itagflow.model.job import (
    CrewKey,
    Rule,
)
from itagflow.model.migration import TemplateStep
from itagflow.model.overdue import OverdueRule
from itagflow.model.packaging import (
    Packaging,
)
from itagflow.model.prelabel import Prediction, Predictor
from itagflow.model.region import Points, Region
from itagflow.model.reply import Replies, Reply
from itagflow.model.terms import Replied as ReplyInput
from itagflow.prelabels.rules import MinConfidence
from itagflow.results.datasets import DatasetRef
from itagflow.results.following import FollowedFrom
from itagflow.results.service import ResultRef
from itagflow.validation.answers import Validator

__all__ = [
    "Assignee",
    "AssignmentRef",
    "Clock",
    "CrewKey",
    "DataFrame",
    "DatasetRef",
    "Duplicates",
    "Entity",
    "EntityRef",
    "FollowedFrom",
    "FormatRef",
    "IdSource",
    "JobFields",
    "JobNotes",
    "JobRef",
    "JobsRef",
    "Key",
    "Labels",
    "Listener",
    "Lossy",
    "MemberRef",
    "MergeFunction",
    "MinConfidence",
    "NumberedTaskRef",
    "OnError",
    "OverdueRule",
    "PackageRef",
    "Packaging",
    "PartitionRef",
    "Points",
    "Policy",
    "Prediction",
    "Predictor",
    "ProgressWrapper",
    "Region",
    "Replies",
    "Reply",
    "ReplyInput",
    "ResultRef",
    "RowSource",
    "Rule",
    "Source",
    "Table",
    "Target",
    "TaskPlace",
    "TaskRef",
    "TaskScores",
    "TemplateRef",
    "TemplateStep",
    "ThreadRef",
    "Validator",
    "Workers",
    "Workforce",
    "WorkspaceRef",
]
