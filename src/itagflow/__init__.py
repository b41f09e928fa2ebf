"""Run data-labeling work inside any Python program: packages, assignments, reviews, results.

>>> import itagflow
>>> with itagflow.open("memory:") as flow:
...     street = flow.workspaces.create("street", admin="ada")
>>> street.name
'street'

Here is what most scripts use.  The rest is in modules:

- `itagflow.templates`: ready-made templates, and the parts and steps of one's own
- `itagflow.maintenance`: verify, copy and erase
- `itagflow.aio`: every verb for programs on asyncio
- `itagflow.delivery`: events to a function or a URL
- `itagflow.access`: roles, actions and policies
- `itagflow.errors`: every error
- `itagflow.json`: values and errors as JSON, for web applications
- `itagflow.display`: what a notebook shows, and charts
- `itagflow.formats`, `itagflow.prelabels`, `itagflow.schema`: files, predictions, answers as JSON
- `itagflow.model`: all values, also those that are rarely named
- `itagflow.storage`, `itagflow.testing`: the stores, and the tests for a store of one's own
- `itagflow.typing`: names for the types in signatures, such as ``JobRef``
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import attrs

from itagflow import model
from itagflow.errors import (
    AlreadyExists,
    Incomplete,
    InvalidData,
    ItagflowError,
    NotAllowed,
    NotFound,
    NotHeld,
    StoreFailed,
    WrongState,
)
from itagflow.model import (
    Accept,
    Answer,
    Assignment,
    AssignmentState,
    Became,
    Box,
    Choice,
    Choices,
    Crew,
    Dataset,
    Event,
    Field,
    FixedSize,
    Group,
    GroupByField,
    Inspect,
    Job,
    JobState,
    Keypoint,
    Keypoints,
    Label,
    Lot,
    Mask,
    Member,
    Merge,
    Package,
    PackageCount,
    PackageState,
    Point,
    Polygon,
    Polyline,
    Preference,
    PreLabel,
    Progress,
    Ranking,
    Rating,
    Regions,
    Relation,
    Result,
    Role,
    RotatedBox,
    Route,
    Segment,
    Segments,
    Selection,
    Spans,
    Split,
    Stage,
    Task,
    TaskState,
    Template,
    Text,
    TextSpan,
    Workflow,
    WorkItem,
    Workspace,
)
from itagflow.reprs import show_in_notebook

if TYPE_CHECKING:
    from itagflow import access as access
    from itagflow import aio as aio
    from itagflow import delivery as delivery
    from itagflow import display as display
    from itagflow import errors as errors
    from itagflow import formats as formats
    from itagflow import json as json
    from itagflow import maintenance, templates
    from itagflow import model as model
    from itagflow import prelabels as prelabels
    from itagflow import schema as schema
    from itagflow import storage as storage
    from itagflow import testing as testing
    from itagflow import typing as typing
    from itagflow.flow import Flow
    from itagflow.opening import open as open

__all__ = [
    "Accept",
    "AlreadyExists",
    "Answer",
    "Assignment",
    "AssignmentState",
    "Became",
    "Box",
    "Choice",
    "Choices",
    "Crew",
    "Dataset",
    "Event",
    "Field",
    "FixedSize",
    "Flow",
    "Group",
    "GroupByField",
    "Incomplete",
    "Inspect",
    "InvalidData",
    "ItagflowError",
    "Job",
    "JobState",
    "Keypoint",
    "Keypoints",
    "Label",
    "Lot",
    "Mask",
    "Member",
    "Merge",
    "NotAllowed",
    "NotFound",
    "NotHeld",
    "Package",
    "PackageCount",
    "PackageState",
    "Point",
    "Polygon",
    "Polyline",
    "PreLabel",
    "Preference",
    "Progress",
    "Ranking",
    "Rating",
    "Regions",
    "Relation",
    "Result",
    "Role",
    "RotatedBox",
    "Route",
    "Segment",
    "Segments",
    "Selection",
    "Spans",
    "Split",
    "Stage",
    "StoreFailed",
    "Task",
    "TaskState",
    "Template",
    "Text",
    "TextSpan",
    "WorkItem",
    "Workflow",
    "Workspace",
    "WrongState",
    "maintenance",
    "templates",
]

# What not every program needs is imported when it is first asked for.  Values are enough for a
# worker that is sent a part of a job, or a module that only names types; the verbs, with all
# services, would double the time of `import itagflow`.
_LAZY_MODULES = frozenset(
    {
        "access",
        "aio",
        "delivery",
        "display",
        "formats",
        "json",
        "maintenance",
        "prelabels",
        "quality",
        "schema",
        "storage",
        "templates",
        "testing",
        "typing",
    }
)
_LAZY_NAMES = {"Flow": "itagflow.flow", "open": "itagflow.opening"}
_MODULES = _LAZY_MODULES | {"errors", "model"}
"""The public modules."""

# A class reports the place where users import it; `itagflow.model` does the same for the others.
for _name in set(__all__) - _LAZY_MODULES - set(_LAZY_NAMES):
    globals()[_name].__module__ = __name__


_FOR_PYDANTIC = "__get_pydantic_core_schema__"
"""What pydantic asks a class for: see `itagflow.json`."""


def _describe_to_pydantic(kind: type[Any], _source: object, _handler: object) -> Any:
    """Return what pydantic knows of a class of values, so that FastAPI takes it as a model."""
    return import_module("itagflow.json").describe_to_pydantic(kind)


for _name in model.__all__:
    if attrs.has(getattr(model, _name)):  # enums are known to pydantic
        setattr(getattr(model, _name), _FOR_PYDANTIC, classmethod(_describe_to_pydantic))


for _name in model.__all__:
    if attrs.has(getattr(model, _name)):
        getattr(model, _name)._repr_html_ = show_in_notebook


def __getattr__(name: str) -> Any:
    """Return the version, or what is imported when somebody first asks for it."""
    if name == "__version__":
        from importlib.metadata import version

        return version("itagflow")
    if name in _LAZY_MODULES:
        return import_module(f"itagflow.{name}")
    if name in _LAZY_NAMES:
        # found without this function the next time
        found = globals()[name] = getattr(import_module(_LAZY_NAMES[name]), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names, also those of modules that are not imported yet."""
    own = {name for name in globals() if name.startswith("__")}
    return sorted({*own, *__all__, *_MODULES, "__version__", "open"})
