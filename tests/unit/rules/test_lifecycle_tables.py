"""The tables: the documentation draws them, and every cell that is no step is refused."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import attrs
import pytest
from support.scenes import cats, taken
from transitions import MachineError

from itagflow import (
    Accept,
    AssignmentState,
    Flow,
    Incomplete,
    Inspect,
    JobState,
    Label,
    NotAllowed,
    NotHeld,
    PackageState,
    Role,
    Stage,
    Workflow,
    WrongState,
)
from itagflow.access import (
    STRICT_TABLE,
    TABLE,
    Action,
    Grant,
    RolePolicy,
    default_policy,
    strict_policy,
)
from itagflow.errors import RuleError
from itagflow.lifecycle import tables
from itagflow.lifecycle.machine import Lifecycle, Step
from itagflow.lifecycle.tables import ASSIGNMENT, JOB, get_package_lifecycle, name_reopening
from itagflow.model import Outcome
from itagflow.testing import make_assignment, make_job, make_member, make_package

DOCS = Path(__file__).parents[3] / "docs"
FULL = get_package_lifecycle(Workflow(Label(), Inspect(), Accept()))
WORKFLOWS = [
    Workflow(),
    Workflow(Inspect()),
    Workflow(Accept()),
    Workflow(Inspect(), Accept()),
    Workflow(Inspect(), Accept(reject_to=Stage.INSPECT)),
]


def test_the_documentation_draws_the_tables() -> None:
    page = (DOCS / "lifecycles.md").read_text("utf-8")
    assert re.findall(r"```\{lifecycle\} (\w+)\n", page) == ["job", "package", "assignment"]


@pytest.mark.parametrize(
    "workflow", WORKFLOWS, ids=lambda w: "-".join(stage.value for stage in w.stages)
)
def test_a_package_passes_every_stage_of_its_workflow(workflow: Workflow) -> None:
    lifecycle, state, seen = (
        get_package_lifecycle(workflow),
        PackageState.LABEL,
        [PackageState.LABEL],
    )
    while state.stage:
        state = lifecycle.advance(state, "pass")
        seen.append(state)
    assert [one.value for one in seen] == [*(stage.value for stage in workflow.stages), "done"]
    assert get_package_lifecycle(workflow) is lifecycle


def test_acceptance_rejects_to_where_the_rule_says() -> None:
    for rule, target in ((Accept(), "label"), (Accept(reject_to=Stage.INSPECT), "inspect")):
        lifecycle = get_package_lifecycle(Workflow(Inspect(), rule))
        assert lifecycle.advance(PackageState.ACCEPT, "reject").value == target


def cells() -> list[tuple[Lifecycle[Any], Enum, str]]:
    tables = (JOB, ASSIGNMENT, *(get_package_lifecycle(workflow) for workflow in WORKFLOWS))
    return [
        (table, state, event)
        for table in tables
        for state in table.states
        for event in dict.fromkeys(step.event for step in table.steps)
        if (event, state) not in {(step.event, step.source) for step in table.steps}
    ]


@pytest.mark.parametrize(("table", "state", "event"), cells())
def test_every_cell_that_is_no_step_is_refused(
    table: Lifecycle[Any], state: Enum, event: str
) -> None:
    with pytest.raises(WrongState) as refused:
        table.advance(state, event)
    assert (refused.value.state, refused.value.act) == (state, event)


@attrs.define
class Model:
    """What a ``transitions`` machine moves: something with a state."""

    state: Enum


TABLES: list[Lifecycle[Any]] = [JOB, ASSIGNMENT, *(get_package_lifecycle(one) for one in WORKFLOWS)]


def every_event() -> list[tuple[Lifecycle[Any], str]]:
    return [(table, event) for table in TABLES for event in table.machine.events]


def without_guards(table: Lifecycle[Any]) -> Lifecycle[Any]:
    steps = [Step(step.event, step.source, step.target) for step in table.steps]
    return Lifecycle(table.name, table.initial, steps)


@pytest.mark.parametrize(("table", "event"), every_event())
def test_an_event_leads_to_where_the_machine_goes(table: Lifecycle[Any], event: str) -> None:
    """The table that `advance` uses says the same as an event that the machine dispatches."""
    bare = without_guards(table)
    for state in table.states:
        model = Model(state)
        try:
            table.machine.events[event].trigger(model)
        except MachineError:
            with pytest.raises(WrongState):
                bare.advance(state, event)
        else:
            assert bare.advance(state, event) is type(state)(model.state)


@pytest.mark.parametrize(("table", "event"), every_event())
def test_a_refusal_shows_no_frame_of_the_library_behind_it(
    table: Lifecycle[Any], event: str
) -> None:
    def refuse(command: object) -> None:
        raise Incomplete(event, f"{command} is missing")

    steps = [Step(step.event, step.source, step.target, (refuse,)) for step in table.steps]
    guarded = Lifecycle(table.name, table.initial, steps)
    for state in table.states:
        with pytest.raises((WrongState, Incomplete)) as refused:
            guarded.advance(state, event, "something")
        modules = modules_in(refused.value)
        assert not {name for name in modules if name.split(".")[0] == "transitions"}
        assert "itagflow.lifecycle.machine" in modules


def modules_in(error: BaseException) -> set[str]:
    """The modules of all frames in the traceback of an error, and of what it came from."""
    found = set[str]()
    at: BaseException | None = error
    while at is not None:
        found |= {frame.f_globals["__name__"] for frame, _ in traceback.walk_tb(at.__traceback__)}
        at = at.__cause__ or at.__context__
    return found


def test_a_verb_that_is_refused_shows_no_such_frame(flow: Flow) -> None:
    job = cats(flow)
    assignment = taken(flow, "ben", job)
    attempts: list[Callable[[], object]] = [
        lambda: flow.submit(assignment),
        lambda: flow.review(assignment),
        lambda: flow.jobs.finish(job, by="ada"),
        lambda: flow.packages.reopen((job.id, 1), by="ada"),
    ]
    for attempt in attempts:
        with pytest.raises(RuleError) as refused:
            attempt()
        assert not {name for name in modules_in(refused.value) if "transitions" in name}


def test_final_states_are_final() -> None:
    assert JOB.get_events(JobState.ARCHIVED) == ()
    assert (
        ASSIGNMENT.get_events(AssignmentState.DONE)
        == ASSIGNMENT.get_events(AssignmentState.RETURNED)
        == ()
    )
    assert FULL.get_events(PackageState.DISCARDED) == ("reopen",)
    campaigns = tuple(map(name_reopening, Stage))
    assert FULL.get_events(PackageState.DONE) == ("reopen", *campaigns)


@pytest.mark.parametrize("stage", Stage)
def test_a_campaign_brings_a_done_package_to_its_stage(stage: Stage) -> None:
    assert FULL.advance(PackageState.DONE, name_reopening(stage)) is PackageState.at(stage)
    for state in set(PackageState) - {PackageState.DONE}:
        with pytest.raises(WrongState):
            FULL.advance(state, name_reopening(stage))


class Door(Enum):
    OPEN = "open"
    SHUT = "shut"
    LOST = "lost"


def test_a_bad_table_is_refused() -> None:
    close = Step("close", Door.OPEN, Door.SHUT)
    with pytest.raises(ValueError, match="more than one step"):
        Lifecycle("door", Door.OPEN, [close, Step("close", Door.OPEN, Door.OPEN)])
    with pytest.raises(ValueError, match="no step leads to"):
        Lifecycle("door", Door.OPEN, [close, Step("find", Door.LOST, Door.SHUT)])


def test_a_guard_says_why() -> None:
    def locked(command: object) -> None:
        raise RuntimeError(f"no {command}")

    door = Lifecycle("door", Door.SHUT, [Step("open", Door.SHUT, Door.OPEN, (locked,))])
    with pytest.raises(RuntimeError, match="no key"):
        door.advance(Door.SHUT, "open", "key")


class TestAccess:
    """The table of the documentation, row by row."""

    @staticmethod
    def shown(page: str) -> dict[Action, dict[Role, Grant]]:
        lines = [
            line for line in (DOCS / page).read_text("utf-8").splitlines() if line.startswith("| `")
        ]
        rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]
        rows = [row for row in rows if len(row) == 1 + len(Role)]
        return {Action(row[0]): dict(zip(Role, map(Grant, row[1:6]), strict=True)) for row in rows}

    def test_the_documentation_shows_it(self) -> None:
        assert self.shown("roles.md") == TABLE

    @pytest.mark.parametrize("action", Action)
    @pytest.mark.parametrize("role", Role)
    @pytest.mark.parametrize("named", [True, False])
    def test_the_default_policy_follows_it(self, action: Action, role: Role, named: bool) -> None:
        from itagflow.model.job import StageWorkers

        crew = {stage: StageWorkers((2,) if named else (9,)) for stage in Stage}
        stage = next((stage for stage in Stage if Action.at(stage) is action), None)
        reason = default_policy(make_member(role=role), action, make_job(workforce=crew), stage)
        grant = TABLE[action][role]
        assert (reason is None) == (grant is Grant.YES or (grant is Grant.NAMED and named)), reason

    def test_the_strict_policy_keeps_work_to_administrators(self) -> None:
        for stage in Stage:
            able = {
                role
                for role in Role
                if strict_policy(make_member(role=role), Action.at(stage), None, None) is None
            }
            assert able == {Role.ADMIN, Role.ANNOTATION_ADMIN}
        others = set(Action) - {Action.at(stage) for stage in Stage}
        assert all(STRICT_TABLE[action] == TABLE[action] for action in others)

    def test_groups_name_their_members(self) -> None:
        from itagflow.model.job import StageWorkers

        job = make_job(workforce={Stage.LABEL: StageWorkers((), ("night",))})
        ben = make_member(groups=("night",))
        assert default_policy(ben, Action.LABEL, job, Stage.LABEL) is None
        assert default_policy(make_member(), Action.LABEL, job, Stage.LABEL) is not None
        assert default_policy(ben, Action.INSPECT, job, Stage.INSPECT) is not None

    def test_an_embedder_makes_its_own(self) -> None:
        everybody = RolePolicy({**TABLE, Action.EXPORT: TABLE[Action.READ_RESULTS]})
        assert everybody(make_member(role=Role.VIEWER), Action.EXPORT, None, None) is None


def test_a_verb_is_for_the_stages_that_it_names() -> None:
    review = make_assignment(stage=Stage.INSPECT)
    tables.require_stage(review, "review", Stage.INSPECT, Stage.ACCEPT)
    with pytest.raises(WrongState, match="submit"):
        tables.require_stage(review, "submit", Stage.LABEL)


RETURNED = make_assignment(
    state=AssignmentState.RETURNED, outcome=Outcome.RECALLED, comment="the job was archived"
)


def test_the_holder_goes_on_and_so_does_the_application() -> None:
    tables.must_go_on(make_job(), make_assignment(), "save", make_member())
    tables.must_go_on(make_job(), make_assignment(), "save", None)


def test_another_member_is_told_that_it_is_not_theirs() -> None:
    with pytest.raises(NotHeld, match="it is another member's, not cy's"):
        tables.must_go_on(make_job(), make_assignment(), "save", make_member(id=3, account="cy"))
    with pytest.raises(NotHeld, match="not cy's"):  # and not how it ended
        tables.must_go_on(make_job(), RETURNED, "save", make_member(id=3, account="cy"))
    tables.must_be_of(RETURNED, make_member())
    with pytest.raises(NotHeld, match="not cy's"):
        tables.must_be_of(RETURNED, make_member(id=3, account="cy"))


def test_an_offer_is_to_be_claimed_first() -> None:
    with pytest.raises(NotHeld, match="it is offered: claim it first"):
        tables.must_go_on(make_job(), make_assignment(state=AssignmentState.OFFERED), "save", None)


def test_what_has_ended_says_how_and_why() -> None:
    with pytest.raises(NotHeld, match=r"it was recalled \(the job was archived\): claim again"):
        tables.must_go_on(make_job(), RETURNED, "save", None)
    done = make_assignment(state=AssignmentState.DONE, outcome=Outcome.SUBMITTED)
    with pytest.raises(NotHeld, match="it was submitted: claim again"):
        tables.must_go_on(make_job(), done, "save", None)


def test_done_work_may_still_be_read_and_returned_work_not() -> None:
    tables.must_not_be_returned(
        make_assignment(state=AssignmentState.DONE, outcome=Outcome.SUBMITTED)
    )
    tables.must_not_be_returned(make_assignment())
    with pytest.raises(NotHeld, match="it was recalled"):
        tables.must_not_be_returned(RETURNED)


@pytest.mark.parametrize("state", list(JobState))
def test_work_goes_on_while_a_job_runs_or_is_paused(state: JobState) -> None:
    job = make_job(state=state)
    if state in (JobState.RUNNING, JobState.PAUSED):
        tables.must_be_working(job, "save")
        tables.must_go_on(job, make_assignment(), "save", None)
    else:
        with pytest.raises(NotAllowed, match=f"save.*job 'cats' is {state.value}"):
            tables.must_be_working(job, "save")
        with pytest.raises(NotAllowed, match=f"save.*job 'cats' is {state.value}"):
            tables.must_go_on(job, make_assignment(), "save", None)


@pytest.mark.parametrize("state", list(PackageState))
def test_a_package_has_a_stage_until_it_is_done_or_discarded(state: PackageState) -> None:
    package = make_package(state=state)
    if state in (PackageState.DONE, PackageState.DISCARDED):
        with pytest.raises(NotAllowed, match=f"is {state.value}: reopen it first"):
            tables.stage_of(package)
    else:
        assert tables.stage_of(package) is Stage(state.value)
