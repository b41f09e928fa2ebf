"""No published job is stuck with every member willing, unless `jobs.blocked` names what is stuck.

Small workflows, workforces, votes, routes and crews are gone through by random histories of
everything that people can do.  Then everybody does what they are given, until nobody is given
anything.  ``ITAGFLOW_SEARCH=5000`` tries so many jobs, from the seed ``ITAGFLOW_SEARCH_FROM`` on.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
from support.searching import Search

from itagflow import JobState
from itagflow.model import Purpose

RUNS = int(os.environ.get("ITAGFLOW_SEARCH", "120"))
FIRST = int(os.environ.get("ITAGFLOW_SEARCH_FROM", "0"))
SEEN: Counter[str] = Counter()
"""How often each thing was met, by all runs."""


def go_through(seed: int) -> None:
    """Follow the job of this seed to its end, if it is published."""
    search = Search(seed, SEEN)
    with search.flow:
        if search.job is None:
            SEEN["not published"] += 1
            return
        try:
            search.wander(search.job)
            search.settle(search.job)
            search.check_end(search.job)
        except Exception as failure:
            there = search.flow.jobs.get(search.job)
            failure.add_note(f"seed {seed}: {there.workflow} {dict(there.workforce)}")
            failure.add_note("\n".join(search.history))
            failure.add_note("\n".join(map(str, search.flow.events.list(search.job))))
            raise


@pytest.mark.parametrize("tenth", range(10))
def test_what_is_stuck_is_named(tenth: int) -> None:
    for seed in range(FIRST + tenth, FIRST + RUNS, 10):
        go_through(seed)


def test_everything_was_met() -> None:
    """The search above has gone everywhere; run both together."""
    if not SEEN:
        pytest.skip("the search did not run in this process")
    print(*sorted(SEEN.items()), sep="\n")
    for name in (
        *("not published", "finished", "stuck and named", "claim", "work", "reject", "release"),
        *("lapse", "pause", "remove", "change_workforce", "escalate", "ask_again"),
        *("hand_in_a_part", "assign", "reassign", "reopen", "discard", "raise_votes"),
        *("begin_a_campaign", "plan: accept", "plan: reject"),
        *(f"purpose: {purpose.value}" for purpose in Purpose),
    ):
        assert SEEN[name] > 0, name


def test_where_nobody_works_in_two_places_a_published_job_finishes() -> None:
    """Nobody rejects or leaves, and no total is limited: whatever is published comes to its end."""
    finished = 0
    for seed in range(FIRST + 1_000_000, FIRST + 1_000_000 + RUNS // 2):
        search = Search(seed, SEEN, is_calm=True)
        with search.flow:
            if search.job is None:
                continue
            finished += 1
            search.settle(search.job)
            search.check_end(search.job)
            assert search.flow.jobs.get(search.job).state is JobState.FINISHED, seed
    assert finished > 0
