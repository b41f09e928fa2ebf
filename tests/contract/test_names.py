"""Names are one line that can be seen and is read as it is written; typed in another way they are the same."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable

import attrs
import pytest
from support.refusals import is_refused
from support.scenes import cats, street, taken

import itagflow
from itagflow import (
    AlreadyExists,
    Choice,
    Flow,
    Group,
    Inspect,
    InvalidData,
    Job,
    Label,
    Member,
    Role,
    Stage,
    Workflow,
    maintenance,
    templates,
)
from itagflow.model.text import find_name_error
from itagflow.templates import AddOption, Option

ASKED = templates.image_classification(["cat"])
BREAKING = ["a\nb", "a\tb", "a\x1b[2Jb", "a\x7f", "a\x85b", "a\u2028b", "a\u2029b"]
TURNING = [
    "a" + chr(code) + "b"
    for code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
]
UNSEEN = [
    "\u200b",
    "\ufeff",
    "\u00ad",
    "\u3164",
    "\u115f",
    "\uffa0",
    "\ufe0f",
    "\U000e0100",
    "\u2800",
    "\u034f",
    "\u00a0",
]
UNSEEN += [
    "\u3000",
    "\u180e",
    "\u2060\u200d",
    " \u200b ",
    "\u0301",
    "\U0001d159",
    "\uffff",
    "\U000e0041",
    "\ufdd0",
]
BAD = [*BREAKING, *TURNING, *UNSEEN, " ", ""]
GOOD = [
    "eve",
    "Zoë",
    "Zoe\u0308",
    "李雷",
    "नेहा",
    "مریم\u200cی",
    "👩\u200d💻",
    "ben@example.org",
    "a b",
    "한글",
    "…",
    "١",
    "\ue000",
]

TAKES: dict[str, Callable[[Flow, Job, str], object]] = {
    "workspace": lambda flow, job, name: flow.workspaces.create(name, admin="x"),
    "administrator": lambda flow, job, name: flow.workspaces.create("x", admin=name),
    "account": lambda flow, job, name: flow.members.add("street", name, Role.OPERATOR, by="ada"),
    "group": lambda flow, job, name: flow.members.add(
        "street", "x", Role.OPERATOR, groups=[name], by="ada"
    ),
    "group later": lambda flow, job, name: flow.members.set_role(
        "street", "ben", Role.OPERATOR, groups=[name], by="ada"
    ),
    "group that works": lambda flow, job, name: flow.jobs.add_workers(
        job, Stage.LABEL, [Group(name)], by="ada"
    ),
    "template": lambda flow, job, name: flow.templates.add("street", ASKED, name=name, by="ada"),
    "label": lambda flow, job, name: flow.jobs.create(
        "street", "new", template=templates.image_classification(["x", name]), by="ada", draft=True
    ),
    "label later": lambda flow, job, name: flow.jobs.change_template(
        job, [AddOption("1", Option(name))], by="ada"
    ),
}


@pytest.mark.parametrize("take", TAKES.values(), ids=TAKES)
def test_what_is_no_name_is_refused(flow: Flow, take: Callable[[Flow, Job, str], object]) -> None:
    job = cats(flow)
    for name in BAD:
        is_refused(flow, InvalidData, ".", lambda n=name: take(flow, job, n))


@pytest.mark.parametrize("take", TAKES.values(), ids=TAKES)
@pytest.mark.parametrize("name", GOOD, ids=ascii)
def test_what_is_a_name_is_taken_as_given(
    take: Callable[[Flow, Job, str], object], name: str
) -> None:
    with itagflow.open("memory:") as flow:
        job = cats(flow)
        found = take(flow, job, name)
        assert found is not None


def test_every_character_is_decided_by_what_unicode_says_of_it() -> None:
    """No control character is in a name, and none is one by itself that is not drawn."""
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        category = unicodedata.category(character)
        inside, alone = find_name_error(f"a{character}b"), find_name_error(character)
        if category in ("Cc", "Zl", "Zp", "Cs") or unicodedata.bidirectional(character) in BIDI:
            assert inside is not None, hex(code)
        if category[0] == "Z" or category in ("Cc", "Cf", "Cs", "Mn", "Me", "Mc"):
            assert alone is not None, hex(code)
        elif category[0] in "LNPS" and "FILLER" not in unicodedata.name(character, ""):
            assert alone is None or code in (0x2800, 0x1D159, 0x17B4, 0x17B5), hex(code)


BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
COMPOSED, TYPED = "Zo\u00eb", "Zoe\u0308"
SAME = [
    (COMPOSED, TYPED),
    (TYPED, COMPOSED),
    ("\u212b", "\u00c5"),
    ("\u1112\u1161\u11ab", "\ud55c"),
]


@pytest.mark.parametrize(("one", "other"), SAME, ids=ascii)
class TestOneNameTypedInTwoWays:
    def test_an_account(self, flow: Flow, one: str, other: str) -> None:
        home = street(flow)
        member = flow.members.add(home, one, Role.OPERATOR, by="ada")
        assert member.account == one
        assert [who.account for who in flow.members.list(home)] == ["ada", one], "stored as given"
        is_refused(
            flow,
            AlreadyExists,
            "already",
            lambda: flow.members.add(home, other, Role.OPERATOR, by="ada"),
        )
        is_refused(
            flow,
            AlreadyExists,
            "already",
            lambda: flow.members.add(home, one, Role.OPERATOR, by="ada"),
        )
        flow.members.set_role(home, other, Role.ADMIN, by="ada")
        assert flow.members.set_role(home, "ada", Role.VIEWER, by=other).role is Role.VIEWER
        flow.members.set_role(home, "ada", Role.ADMIN, by=one)
        assert flow.members.remove(home, other, by="ada").id == member.id
        again = flow.members.add(home, other, Role.VIEWER, by="ada")
        assert (again.id, again.account) == (member.id, one)

    def test_an_account_is_erased_in_whatever_way_people_wrote_it(
        self, flow: Flow, one: str, other: str
    ) -> None:
        job = cats(flow, label=[one])
        for reason in (f"{one} is ill", f"ask {other}, please"):
            flow.release(taken(flow, other, job), comment=reason)
        flow.members.remove(job.workspace, one, by="ada")
        gone = maintenance.erase_member(flow, job.workspace, other, by="ada")
        assert gone.account == f"erased-{gone.id}"
        told = "".join(
            repr(attrs.asdict(event))
            for event in (*flow.events.since(), *flow.assignments.list(gone.id, live=False))
        )
        assert one not in told
        assert other not in told
        assert f"ask erased-{gone.id}, please" in told

    def test_a_workspace_and_a_template(self, flow: Flow, one: str, other: str) -> None:
        home = flow.workspaces.create(one, admin="ada")
        assert home.name == one
        is_refused(
            flow, AlreadyExists, "already", lambda: flow.workspaces.create(other, admin="ada")
        )
        assert list(flow.jobs.list(other)) == []
        stored = flow.templates.add(other, ASKED, name=one, by="ada")
        is_refused(
            flow,
            AlreadyExists,
            "already",
            lambda: flow.templates.add(home, ASKED, name=other, by="ada"),
        )
        assert (
            flow.jobs.create(one, "x", template=other, by="ada", draft=True).template == stored.id
        )
        with itagflow.open("memory:") as target:
            target.workspaces.create(other, admin="ada")
            with pytest.raises(AlreadyExists):
                maintenance.copy(flow, to=target, workspace=one)

    def test_groups_and_labels(self, flow: Flow, one: str, other: str) -> None:
        job = cats(flow)
        flow.members.add(job.workspace, "eve", Role.OPERATOR, groups=[one], by="ada")
        flow.jobs.add_workers(job, Stage.LABEL, [Group(other)], by="ada")
        assert taken(flow, "eve", job).member is not None
        with pytest.raises(InvalidData, match="two options with the same key"):
            templates.image_classification([one, other])


def test_what_was_stored_before_names_were_compared_so_is_still_found(flow: Flow) -> None:
    home = street(flow)
    member = flow.members.add(home, "zoe", Role.OPERATOR, by="ada")
    # nothing is normalized on the way by which stores once took it
    with flow.store.write() as writer:
        writer.save(attrs.evolve(writer.lock(Member, member.key), account=TYPED, version=1))
    assert flow.members.set_role(home, TYPED, Role.LEADER, by="ada").id == member.id


class TestMarks:
    """Nobody's name can keep another's from being erased."""

    def test_nobody_is_called_like_an_erased_one(self, flow: Flow) -> None:
        home = street(flow, "ben")
        (ben,) = (who for who in flow.members.list(home) if who.account == "ben")
        for name in (f"erased-{ben.id}", "erased-1", f"erased-{ben.id}-2"):
            is_refused(
                flow,
                InvalidData,
                "erased: choose",
                lambda n=name: flow.members.add(home, n, Role.VIEWER, by="ada"),
            )
            is_refused(
                flow,
                InvalidData,
                "erased: choose",
                lambda n=name: flow.workspaces.create("new", admin=n),
            )
        for name in ("erased", "erased-ben", "erased-1x", "xerased-1"):
            assert flow.members.add(home, name, Role.VIEWER, by="ada").account == name

    def test_who_was_called_so_before_that_was_refused_is_in_nobodys_way(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()))
        (ben,) = (who for who in flow.members.list(job.workspace) if who.account == "ben")
        flow.release(taken(flow, "ben", job), comment="ben is ill")
        for name, account in (("cy", f"erased-{ben.id}"), ("di", f"erased-{ben.id}-2")):
            who = flow.members.set_role(job.workspace, name, Role.OPERATOR, by="ada")
            with flow.store.write() as writer:
                writer.save(attrs.evolve(who, account=account, version=who.version + 1))
        flow.members.remove(job.workspace, "ben", by="ada")
        gone = maintenance.erase_member(flow, job.workspace, ben.id, by="ada")
        assert (gone.account, gone.erased) == (f"erased-{ben.id}-3", True)
        assert maintenance.erase_member(flow, job.workspace, ben.id, by="ada") == gone
        assert not any(who.erased for who in flow.members.list(job.workspace) if who.id != ben.id)
        assert "erased-" in "".join(map(str, flow.events.list(job)))
        assert " ben" not in "".join(map(str, flow.events.list(job)))


def test_an_answer_names_a_label_as_the_template_does(flow: Flow) -> None:
    home = street(flow, "ben")
    asked = templates.image_classification([TYPED, "dog"])
    job = flow.jobs.create(
        home,
        "x",
        template=asked,
        data=[{"data": {"source": "1"}}],
        workflow=Workflow(Label()),
        by="ada",
    )
    assignment = taken(flow, "ada", job)
    is_refused(
        flow, InvalidData, "not an option", lambda: flow.save(assignment, 1, Choice(COMPOSED))
    )
    assert flow.save(assignment, 1, Choice(TYPED)).replies == {"1": Choice(TYPED)}
