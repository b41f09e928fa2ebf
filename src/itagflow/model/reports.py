"""What long operations report: what was loaded, pre-labeled, or changed, and what was not."""

import attrs

from itagflow.errors import Problem
from itagflow.reprs import show_fields


@attrs.frozen(kw_only=True)
class LoadReport:
    """What loading did."""

    loaded: int = 0
    """How many rows became tasks."""
    skipped: int = 0
    """How many rows were bad and left out."""
    duplicates: int = 0
    """How many rows were left out because their row key was known."""
    problems: tuple[Problem, ...] = ()
    """What was wrong with the bad rows: the first 1,000 problems."""

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class PrelabelReport:
    """What pre-labeling did, in tasks.  Each task is counted once: the others add up to `tasks`."""

    tasks: int = 0
    """How many there are in the packages that are at LABEL."""
    accepted: int = 0
    """How many count as labeled."""
    suggested: int = 0
    """How many are shown to people, who put them right."""
    no_prediction: int = 0
    """How many the source has nothing to say about."""
    failed: int = 0
    """How many it failed on, or said something about that fits neither template nor validator."""
    in_progress: int = 0
    """How many are left out because people work, or have worked, on their package."""
    already_predicted: int = 0
    """How many are left out because they count as labeled already, or have a prediction of this
    model and version; without a model, any prediction."""
    erased: int = 0
    """How many are left out because their data was erased."""
    problems: tuple[Problem, ...] = ()
    """Why it failed: the first 1,000 problems."""

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class TemplateReport:
    """What a change of a template comes to, done or only tried."""

    version: int
    """The version of the template after it."""
    changed: int = 0
    """How many answers are changed by it."""
    unchanged: int = 0
    """How many answers fit as they are."""
    cannot: int = 0
    """How many answers would not fit; the change is refused then."""
    problems: tuple[Problem, ...] = ()
    """Why not: the first 1,000 problems with their places, such as ``task 3, assignment 17, 1``."""

    __repr__ = show_fields
