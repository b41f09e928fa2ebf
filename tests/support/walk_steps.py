"""Walks that are written down: together they do every verb on every store, without a refusal.

What random walks do is a matter of luck.  These show that each verb can be done next to all others,
that the stores agree after each step, and that nothing is broken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from itagflow import (
    Accept,
    Choice,
    Crew,
    FixedSize,
    Inspect,
    Label,
    Lot,
    Role,
    Selection,
    Stage,
)
from itagflow.quality import SinglePlan

L, I, A = Stage.LABEL, Stage.INSPECT, Stage.ACCEPT
CREWS = {Crew.EXPERTS: ("di", "cy"), Crew.ADJUDICATORS: ("di", "cy")}


class Steps:
    """A walk that goes where it is told, and is checked after each step."""

    def __init__(self, walk: Any, label: Label, review: Inspect | Accept | None = None) -> None:
        self.walk = walk
        accept = review if isinstance(review, Accept) else Accept()
        inspect = review if isinstance(review, Inspect) else None
        if not isinstance(review, Accept):
            inspect = inspect or Inspect(allow_own_work=label.asks_again)
        self.walk.order(
            label=label,
            inspect=inspect,
            accept=None if label.votes > 1 else accept,
            packaging=FixedSize(2),
            seed=7,
            crew=CREWS,
        )

    def do(self, name: str, *arguments: Any, **named: Any) -> None:
        getattr(self.walk, name)(*arguments, **named)
        self.walk.nothing_differs_and_nothing_is_broken()

    def last(self) -> int:
        """Say which assignment a step is about: the last that was given out."""
        # a multiple of four means any, in the order in which they were noted
        return 4 * (len(self.walk.assignments) - 1)

    def claim(self, who: str, stage: Stage) -> None:
        before = len(self.walk.assignments)
        self.do("claim", who, stage, "")
        assert len(self.walk.assignments) == before + 1, (who, stage)

    def take_part(self, who: str, stage: Stage, verb: str = "pass") -> None:
        """Claim, and end it: labeled as cats, and passed or rejected."""
        assert self.walk._do_an_assignment(who, stage, "cat", verb), (who, stage)
        self.walk.nothing_differs_and_nothing_is_broken()


def label_and_review(steps: Steps) -> None:
    """A package is labeled with care, sent back, done again and accepted."""
    steps.do("write_a_guideline", "look", "ada", True)
    steps.claim("ben", L)
    steps.do("save", steps.last(), 1, "dog", "ben")
    steps.do("save_a_draft", steps.last(), 1, "cat", None)
    steps.do("abandon", steps.last(), 1, False)
    steps.do("abandon", steps.last(), 1, True)
    steps.do("restore_a_version", steps.last(), 0, 0, None)
    steps.do("end", steps.last(), "renew")
    steps.do("answer_all", steps.last(), "cat", True)
    steps.claim("ada", I)
    steps.do("look", steps.last(), 0, "right", None, False)
    steps.do("look", steps.last(), 1, "dog", None, False)
    steps.do("reject", steps.last(), [], "no good", None, True)
    steps.take_part("ben", L)
    steps.take_part("ada", I)
    steps.take_part("cy", A)


def go_on(steps: Steps) -> None:
    """The other packages, in many calls at once; one task needs an expert."""
    steps.do("export", "jsonl", "ada")
    steps.do("export_what_changed", "jsonl", None, Selection(state="final"))
    steps.do("keep_a_snapshot", "first", "ada")
    steps.do("claim_many", "cy", L, 1)
    steps.do("end_many", [steps.last()], "release")
    steps.claim("cy", L)
    steps.do("end", steps.last(), "release")
    steps.claim("ben", L)
    steps.do("escalate", steps.last(), 0, "a fox?")
    steps.do("save", steps.last(), 4, "cat", None)
    steps.do("end", steps.last(), "submit")
    steps.claim("di", L)
    steps.do("answer_all", steps.last(), "cat", True)
    steps.claim("ada", I)
    steps.do("look", steps.last(), 0, "wrong", None, False)
    steps.do("end_many", [steps.last()], "reject")
    steps.take_part("di", L)
    steps.claim("ada", I)
    steps.do("end_many", [steps.last()], "review")
    steps.claim("cy", A)
    steps.do("end_many", [steps.last()], "accept")
    steps.do("export_what_changed", "jsonl", None, Selection(state="final"))
    steps.do("export_a_snapshot", "first")
    steps.do("drop_a_snapshot", "first", "ada")


def manage(steps: Steps) -> None:
    """What those who manage do with people, packages and jobs."""
    steps.do("erase_where", 5, "ada", True)
    steps.do("change_package", 2, "discard", "ada")
    steps.do("change_job", "finish", False)
    steps.do("begin_a_campaign", Selection(package=1), L, "author", "ada")
    steps.do("append", 2)
    steps.do("assign", 4, "ben")
    steps.do("reassign", steps.last(), "cy", "ada")
    steps.do("assign_many", [4], "ben")
    steps.do("expire")
    steps.do("prelabel", False, "cat", "ada")
    steps.do("prioritize", 2, None, "ada")
    steps.do("add_an_item", 1, True, True, "ada")
    steps.do("prioritize_each", {"new 1": 0.5, 3: -1.25}, "ada")
    steps.do("set_skills", "ben", {"1.jpg": 60})
    steps.do("claim_anything", "ben", None, False)
    steps.do("withdraw", [], "new 1", "ada")
    steps.do("change_job", "pause", False)
    steps.do("change_job", "resume", False)
    steps.do("change_package", 3, "reopen", "ada")
    steps.do("change_template", "bird", False, "ada")
    steps.do("pause_or_resume", "ben", True, None)
    steps.do("pause_or_resume", "ben", False, None)
    steps.do("come_and_go", "ben", False)
    steps.do("come_and_go", "ben", True)
    steps.do("set_role", "cy", Role.LEADER, "ada")
    for how in ("set", "add", "remove"):
        steps.do("change_workforce", I, ["di", "ada"], how)
    steps.do("set_validator", "anything goes")
    steps.do("comment", 1, "ben", "why?")
    steps.do("go_on_with_a_thread", 0, "ada", True, "ok")
    steps.do("go_on_with_a_thread", 0, "ada", True, "")
    steps.do("furnish", "loft")
    steps.do("hire", True)
    for made in ("draft", "clone", "import"):
        steps.do("another_job", made, ["load", "publish", "archive", "delete"], "ada")
    steps.do("erase", 1, "ada")


def vote(steps: Steps) -> None:
    """Two vote, a third is asked, too, and the dispute is decided."""
    steps.claim("ben", L)
    steps.do("answer_all", steps.last(), "cat", True)
    steps.do("ask_again", [1], 1)
    steps.do("decide", "ada", 0, True)
    steps.do("decide", "cy", 0, True)
    steps.do("decide", "di", 0, True)


def vote_until_enough_agree(steps: Steps) -> None:
    """Two disagree, a third does not make it clear, and an adjudicator decides."""
    steps.claim("ben", L)
    steps.do("answer_all", steps.last(), "cat", True)
    steps.claim("cy", L)
    steps.do("answer_all", steps.last(), "dog", True)
    steps.claim("ben", L)
    steps.do("end", steps.last(), "release")
    steps.take_part("ada", L)
    steps.do("decide", "di", 1, True)
    steps.take_part("ada", I)
    # those who could decide have voted: the review does
    for who, word in (("cy", "cat"), ("di", "dog"), ("ben", "cat")):
        steps.claim(who, L)
        steps.do("answer_all", steps.last(), word, True)
    steps.claim("ada", I)
    for task in (0, 1):
        steps.do("look", steps.last(), task, "dog", None, False)
    steps.do("end", steps.last(), "review")


def lose_the_last_voter(steps: Steps) -> None:
    """Two disagree, and nobody else is named any more: a tick takes the third vote back."""
    for who, word in (("ben", "cat"), ("cy", "dog")):
        steps.claim(who, L)
        steps.do("answer_all", steps.last(), word, True)
    steps.do("change_workforce", L, ["ben", "cy"], "set")
    steps.do("tick", "ada")


def come_late(steps: Steps) -> None:
    """A package is overdue while nobody has it, another one while ben holds it."""
    steps.claim("ben", L)
    steps.do("set_due", 1, -5, "ada")
    steps.do("set_due", 2, -5, "ada")
    steps.do("set_due", 3, 20, "ada")
    steps.do("tick", "ada")
    steps.do("answer_all", steps.last(), "cat", True)
    steps.take_part("ada", I)
    steps.do("tick", None)


def decide_by_plan(steps: Steps) -> None:
    """A sample of one package is clean, that of another one is not: it is inspected whole."""
    for word in ("right", "dog"):
        steps.take_part("ben", L)
        steps.claim("ada", I)
        steps.do("end", steps.last(), "review")
        for task in (0, 1):
            steps.do("look", steps.last(), task, word, None, False)
        steps.do("ask_the_plan", steps.last(), None)
        for task in (0, 1):
            steps.do("look", steps.last(), task, word, None, False)
        steps.do("end", steps.last(), "reject")
        steps.do("end", steps.last(), "review")


def decide_lots(steps: Steps) -> None:
    """A lot that is closed by hand is accepted; one of two packages is rejected, and comes again."""
    steps.take_part("ben", L)
    steps.do("close_lots", "ada")
    _check_sample(steps, "ada", "right")
    for word in ("wrong", "right"):
        for _ in range(2):
            steps.take_part("ben", L)
        for who in ("ada", "cy"):
            _check_sample(steps, who, word)


def _check_sample(steps: Steps, who: str, word: str) -> None:
    """Claim a package of a lot, if there is one, say this of what was drawn, and hand it in."""
    before = len(steps.walk.assignments)
    steps.do("claim", who, A, "")
    if len(steps.walk.assignments) == before:
        return
    for task in (0, 1):
        steps.do("look", steps.last(), task, word, None, False)
    steps.do("ask_the_plan", steps.last(), None)
    steps.do("end", steps.last(), "accept")


WALKS: tuple[tuple[Label, Inspect | Accept | None, tuple[Callable[[Steps], None], ...]], ...] = (
    (Label(), None, (label_and_review, go_on, manage)),
    (Label(votes=2, min_votes=2), None, (vote,)),
    (
        Label(votes=2, max_votes=3, agree=0.9),
        None,
        (vote_until_enough_agree, lose_the_last_voter),
    ),
    (Label(on_overdue={"1": Choice("dog")}), None, (come_late,)),
    (Label(), Inspect(plan=SinglePlan(1, 0), rejected_lots="inspect"), (decide_by_plan,)),
    (Label(), Accept(plan=SinglePlan(2, 0), lot=Lot(packages=2)), (decide_lots,)),
)
"""How tasks are labeled and inspected in each of the walks, and what happens."""


def follow(
    walk: Any,
    label: Label,
    review: Inspect | Accept | None,
    parts: Iterable[Callable[[Steps], None]],
) -> None:
    """Let *walk*, which has just begun, do this, and check it at its end."""
    steps = Steps(walk, label, review)
    try:
        for part in parts:
            part(steps)
    finally:
        walk.teardown()
