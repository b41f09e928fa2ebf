"""Aggregation as crowd-kit computes it: the same labels, and probabilities to 1e-9."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from itagflow import quality

SESSION = "the session `oracles` installs it: nox -s oracles"
crowds: Any = pytest.importorskip("crowdkit.aggregation", reason=SESSION)
pd: Any = pytest.importorskip("pandas", reason=SESSION)
pytestmark = pytest.mark.filterwarnings("ignore")


def make_labels(seed: int, *, missing: float = 0.0) -> Any:
    """Two hundred tasks, four votes each of twelve members, three values; some are missing."""
    random = np.random.default_rng(seed)
    tasks, members, values, votes = 200, 12, 3, 4
    truth = random.integers(0, values, tasks)
    task = np.repeat(np.arange(tasks), votes)
    member = np.concatenate([random.choice(members, votes, replace=False) for _ in range(tasks)])
    skill = random.uniform(0.5, 0.95, members)
    is_right = random.random(len(task)) < skill[member]
    value = np.where(is_right, truth[task], random.integers(0, values, len(task)))
    kept = random.random(len(task)) >= missing
    frame = pd.DataFrame({"task": task, "worker": member, "label": value})
    return frame[kept].reset_index(drop=True)


def read(frame: Any) -> quality.LabelTable:
    return quality.LabelTable.from_columns(frame["task"], frame["worker"], frame["label"])


@pytest.mark.parametrize("seed", range(20))
def test_dawid_and_skene(seed: int) -> None:
    frame = make_labels(seed, missing=0.2 if seed % 2 else 0.0)
    # a negative tolerance: crowd-kit also ends where the likelihood falls by rounding
    model = crowds.DawidSkene(n_iter=50, tol=-1e9).fit(frame)
    found = quality.truth(read(frame), iterations=50, tolerance=0)
    assert found.why == ""
    assert found.labels == model.labels_.to_dict()
    most = model.probas_.max(axis=1)
    for task, confidence in found.confidence.items():
        assert confidence == pytest.approx(most[task], abs=1e-9)
    for value, share in model.priors_.items():
        assert found.shares[value] == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_what_members_say(seed: int) -> None:
    frame = make_labels(seed)
    model = crowds.DawidSkene(n_iter=20, tol=-1e9).fit(frame)
    found = quality.truth(read(frame), iterations=20, tolerance=0)
    for (member, said), row in model.errors_.iterrows():
        for true, share in row.items():
            mine = found.members[member].confusion[true].get(said, 0.0)
            assert mine == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_majority(seed: int) -> None:
    frame = make_labels(seed, missing=0.3)
    model = crowds.MajorityVote().fit(frame)
    found = quality.majority(read(frame))
    labels, confidence = found.labels, found.confidence
    for task, shares in model.probas_.iterrows():
        assert confidence[task] == pytest.approx(shares.max(), abs=1e-12)
        if labels[task] is not None:
            assert labels[task] == model.labels_[task]
        else:  # crowd-kit takes one of those with as many votes
            assert (shares == shares.max()).sum() > 1
