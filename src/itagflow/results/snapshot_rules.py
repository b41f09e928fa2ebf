"""What the event of a snapshot says, how it is read again, and what erasing takes out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from itagflow.model.event import Event
from itagflow.model.merging import MergeReport
from itagflow.model.result import Result, StageResult
from itagflow.model.selection import Selection
from itagflow.model.snapshot import Snapshot
from itagflow.model.task import Answer
from itagflow.results.export_rules import describe_selection

MADE, DROPPED = "snapshot", "drop_snapshot"
"""The types of the events of a snapshot."""
ERASED = "erased"
"""What stands where somebody wrote a text, once a name was erased that may be in it."""
TEXTS = "texts of people, since the name of a member was erased"
"""What an export from a snapshot leaves out then, as its report says it."""


@attrs.frozen
class SnapshotFile:
    """What is known of the file of a snapshot when it is complete."""

    target: str
    jobs: tuple[int, ...]
    where: Selection
    rows: int
    sha256: str
    complete_to: int
    """Up to where in the history the file is complete."""
    template: Mapping[str, Any]
    """What the jobs ask, as plain JSON; the ids of classes follow from it."""


def build_snapshot_data(name: str, file: SnapshotFile) -> dict[str, Any]:
    """Return what the event of a snapshot says."""
    return {
        "snapshot": name,
        "target": file.target,
        "jobs": list(file.jobs),
        "where": describe_selection(file.where),
        "rows": file.rows,
        "sha256": file.sha256,
        "complete_to": file.complete_to,
        "template": file.template,
    }


def build_snapshot(event: Event) -> Snapshot:
    """Return the snapshot that *event* tells of."""
    data = event.data
    return Snapshot(
        name=data["snapshot"],
        position=event.position,
        at=event.at,
        member=event.member,
        account=event.account,
        jobs=tuple(data["jobs"]),
        target=data["target"],
        rows=data["rows"],
        sha256=data["sha256"],
        where=data["where"],
        complete_to=data["complete_to"],
    )


def choose_kept(events: Iterable[Event]) -> Mapping[str, Event]:
    """Return the events of the snapshots that were not dropped since, by name.

    Args:
        events: All that made or dropped a snapshot of a job, in order.
    """
    kept: dict[str, Event] = {}
    for event in events:
        kept.pop(event.data["snapshot"], None)
        if event.type == MADE:
            kept[event.data["snapshot"]] = event
    return kept


def without_texts(result: Result) -> Result:
    """Return *result* without what people wrote as comments and reasons: names may be in it."""
    stages = {stage: _without_text_of_stage(each) for stage, each in result.stages.items()}
    return attrs.evolve(
        result, stages=stages, votes=tuple(_without_text_of_vote(vote) for vote in result.votes)
    )


def _without_text_of_stage(stage: StageResult) -> StageResult:
    reason = None if stage.abandon_reason is None else ERASED
    return attrs.evolve(stage, abandon_reason=reason, merge=_without_text_of_merge(stage.merge))


def _without_text_of_vote(vote: Answer) -> Answer:
    return attrs.evolve(
        vote,
        comment=_replace(vote.comment),
        escalation_reason=None if vote.escalation_reason is None else ERASED,
        abandon_reason=None if vote.abandon_reason is None else ERASED,
        merge=_without_text_of_merge(vote.merge),
    )


def _without_text_of_merge(merge: MergeReport | None) -> MergeReport | None:
    if merge is None:
        return None
    questions = {
        id: attrs.evolve(each, reason=_replace(each.reason)) for id, each in merge.questions.items()
    }
    return attrs.evolve(merge, questions=questions)


def _replace(text: str) -> str:
    # an empty text stays empty: that nobody wrote anything is no content
    return ERASED if text else ""
