"""The parts of a job on a real Dask cluster: processes on this machine, reached over loopback."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from support.corruptions import found, spoiled
from support.scenes import exported, half_done, labeled
from support.workers import count_cats, unsound

import itagflow

distributed: Any = pytest.importorskip(
    "distributed", reason="the session `dask` installs it: nox -s dask"
)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    here = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with distributed.LocalCluster(**here) as cluster, distributed.Client(cluster) as client:
        assert len({os.getpid(), *client.run(os.getpid).values()}) == 3, (
            "two processes beside this one"
        )
        yield client


def test_the_cluster_writes_the_same_file(client: Any, tmp_path: Path) -> None:
    with itagflow.open(tmp_path / "labels.db") as flow:
        job = half_done(flow)
        assert exported(
            flow, job, executor=client.get_executor(pure=False), partitions=8
        ) == exported(flow, job)


def test_what_people_do_in_between_is_in_the_next_export(client: Any, tmp_path: Path) -> None:
    with itagflow.open(tmp_path / "labels.db") as flow:
        job = half_done(flow)
        executor = client.get_executor(pure=False)
        before = exported(flow, job, executor=executor, partitions=4)
        labeled(flow, "ben", job)
        after = exported(flow, job, executor=executor, partitions=4)
        assert after == exported(flow, job) != before


def test_the_cluster_computes_what_you_like(client: Any, tmp_path: Path) -> None:
    path = tmp_path / "labels.db"
    with itagflow.open(path) as flow:
        job = half_done(flow)
        counts = client.gather(
            client.map(partial(count_cats, path), flow.results.partition(job, 4), pure=False)
        )
        assert counts == [165, 165, 0, 0]


def test_the_cluster_finds_what_is_not_sound(client: Any, tmp_path: Path) -> None:
    url = str(tmp_path / "labels.db")
    with itagflow.open(url) as flow:
        job = half_done(flow)
        verify = partial(unsound, url)
        assert (
            client.gather(client.map(verify, flow.results.partition(job, 4), pure=False))
            == [[]] * 4
        )
        spoiled(flow, job)
        together = client.gather(client.map(verify, flow.results.partition(job, 4), pure=False))
        assert all(together)
        assert sorted(chain(*together)) == sorted(found(flow, job))


def test_what_is_in_memory_cannot_be_read_by_the_cluster(client: Any) -> None:
    with itagflow.open("memory:") as flow:
        job = half_done(flow)
        # Dask's own error, with ours behind it
        with pytest.raises(TypeError, match="Could not serialize") as refused:
            flow.results.export(job, "itag", io.BytesIO(), executor=client.get_executor(pure=False))
        assert any("can only be shared by threads" in str(error) for error in behind(refused.value))


def behind(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
