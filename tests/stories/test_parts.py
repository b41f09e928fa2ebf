"""A job is cut into parts, and the workers of any executor read them: what comes out is the same."""

from __future__ import annotations

import io
import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scenes import cats, exported, half_done, rows
from support.workers import count_cats

import itagflow
from itagflow import Flow, InvalidData, NotAllowed, StoreFailed, TaskState
from itagflow.formats import WriteReport
from itagflow.jobs.rules import cut
from itagflow.model import JobPartition
from itagflow.results.exporting import _write_bytes
from itagflow.results.partition import AHEAD, map_partitions


@pytest.fixture
def pool() -> Iterator[Executor]:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes:
        yield processes


class OneByOne(Executor):
    """Does everything at once and in this thread, as some executors for tests do."""

    def __init__(self) -> None:
        self.given = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.given += 1
        future = Future[Any]()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class TestCutting:
    @given(first=st.integers(1, 10**7), size=st.integers(0, 500), count=st.integers(1, 600))
    def test_every_task_is_in_one_part(self, first: int, size: int, count: int) -> None:
        parts = cut(JobPartition(job=4, first=first, last=first + size - 1), count)
        assert [n for part in parts for n in range(part.first, part.last + 1)] == list(
            range(first, first + size)
        )
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
        assert len(parts) == max(1, min(size, count))
        assert [(part.index, part.of) for part in parts] == [
            (n, len(parts)) for n in range(1, len(parts) + 1)
        ]

    @given(size=st.integers(0, 500), counts=st.tuples(st.integers(1, 9), st.integers(1, 9)))
    def test_a_part_can_be_cut_again(self, size: int, counts: tuple[int, int]) -> None:
        whole = JobPartition(job=4, first=1, last=size)
        twice = [smaller for part in cut(whole, counts[0]) for smaller in cut(part, counts[1])]
        assert [n for part in twice for n in range(part.first, part.last + 1)] == list(
            range(1, size + 1)
        )

    def test_none_are_no_parts(self, flow: Flow) -> None:
        job = cats(flow)
        with pytest.raises(InvalidData, match="count: must be at least 1, not 0"):
            flow.results.partition(job, 0)
        with pytest.raises(InvalidData, match="must be at least 1, not -1"):
            exported(flow, job, executor=OneByOne(), partitions=-1)

    def test_tasks_that_come_later_are_in_no_part(self, flow: Flow) -> None:
        job = cats(flow, tasks=4)
        parts = flow.results.partition(job, 2)
        flow.jobs.append(job, rows(2), by="ada")
        assert [result.task.number for part in parts for result in flow.results.list(part)] == [
            1,
            2,
            3,
            4,
        ]
        assert [len(part) for part in flow.results.partition(job, 2)] == [3, 3]

    def test_a_job_without_tasks_has_one_part_and_that_is_empty(self, flow: Flow) -> None:
        job = cats(flow, tasks=0, draft=True)
        (part,) = flow.results.partition(job, 8)
        assert len(part) == 0
        assert list(flow.results.list(part)) == []
        assert exported(flow, job, executor=OneByOne()) == exported(flow, job)

    def test_a_part_is_a_plain_value(self, flow: Flow) -> None:
        for part in flow.results.partition(cats(flow), 2):
            assert pickle.loads(pickle.dumps(part)) == part


class TestReading:
    @pytest.mark.parametrize("count", [1, 2, 7])
    def test_the_parts_have_what_the_job_has(self, flow: Flow, count: int) -> None:
        job = half_done(flow)
        parts = flow.results.partition(job, count)
        assert [result for part in parts for result in flow.results.list(part)] == list(
            flow.results.list(job)
        )
        assert [r for part in parts for r in flow.results.list(part, snapshot=True)] == list(
            flow.results.list(job)
        )
        assert b"".join(exported(flow, part)[0] for part in parts) == exported(flow, job)[0]

    def test_tasks_are_found_in_a_part(self, flow: Flow) -> None:
        job = half_done(flow)
        parts = flow.results.partition(job, 4)
        for what in ({"label": "dog"}, {"state": TaskState.ABANDONED}, {"member": "ben"}):
            found = [list(flow.results.find(part, **what)) for part in parts]  # type: ignore[arg-type]
            assert list(chain(*found)) == list(flow.results.find(job, **what))  # type: ignore[arg-type]
            assert found[0]
            assert not found[3]

    def test_processes_compute_what_they_like(self, pool: Executor, tmp_path: Path) -> None:
        path = tmp_path / "labels.db"
        with itagflow.open(path) as flow:
            job = half_done(flow)
            counts = list(pool.map(partial(count_cats, path), flow.results.partition(job, 4)))
            assert counts == [165, 165, 0, 0]
            assert sum(counts) == sum(1 for _ in flow.results.find(job, label="cat"))


class TestExporting:
    def test_processes_write_the_same_file(self, pool: Executor, tmp_path: Path) -> None:
        with itagflow.open(tmp_path / "labels.db") as flow:
            job = half_done(flow)
            whole = exported(flow, job)
            for parts in (1, 3, 8, None):
                assert exported(flow, job, executor=pool, partitions=parts) == whole
            report = flow.results.export(
                job, "itag", tmp_path / "out.manifest", executor=pool, partitions=2
            )
            assert ((tmp_path / "out.manifest").read_bytes(), report) == whole
            assert (report.rows, report.abandoned, report.unfinished) == (1_000, 5, 500)
            assert sum(report.blocks.values()) == 495

    def test_threads_write_the_same_file_on_every_store(self, flow: Flow) -> None:
        job = half_done(flow)
        with ThreadPoolExecutor(4) as threads:
            assert exported(flow, job, executor=threads, partitions=9) == exported(flow, job)
        assert flow.jobs.get(job) is not None, "the Flow is still open"

    def test_a_part_may_be_spread_too(self, flow: Flow) -> None:
        _, part, _ = flow.results.partition(half_done(flow), 3)
        assert exported(flow, part, executor=OneByOne(), partitions=5) == exported(flow, part)

    def test_only_some_stages(self, flow: Flow) -> None:
        job = half_done(flow)
        for stages in ([], [itagflow.Stage.LABEL], [itagflow.Stage.ACCEPT]):
            assert exported(flow, job, stages=stages, executor=OneByOne()) == exported(
                flow, job, stages=stages
            )

    def test_large_jobs_are_cut_by_themselves(
        self, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("itagflow.results.exporting.PART", 300)
        job = half_done(flow)
        inline = OneByOne()
        assert exported(flow, job, executor=inline) == exported(flow, job)
        assert inline.given == 4

    def test_progress_is_told_by_part(self, flow: Flow) -> None:
        job, done = half_done(flow), list[int]()

        def watched(written: Any) -> Iterator[Any]:
            for part, content in written:
                done.append(part.report.rows)
                yield part, content

        exported(flow, job, executor=OneByOne(), partitions=4, progress=watched)
        assert done == [250] * 4


class TestRefusals:
    def test_what_is_in_memory_cannot_be_read_by_processes(
        self, pool: Executor, tmp_path: Path
    ) -> None:
        target = tmp_path / "out.manifest"
        target.write_text("yesterday's\n")
        with itagflow.open("memory:") as flow:
            job = cats(flow)
            with pytest.raises(
                StoreFailed, match="a store in memory can only be shared by threads"
            ):
                flow.results.export(job, "itag", target, executor=pool)
        assert target.read_text() == "yesterday's\n"
        assert list(tmp_path.iterdir()) == [target]

    def test_a_flow_says_why_it_does_not_travel(self, flow: Flow) -> None:
        with pytest.raises(StoreFailed, match=r"Open one there, with itagflow.open\(url\)"):
            pickle.dumps(flow)

    def test_one_moment_is_not_what_many_workers_see(self, flow: Flow) -> None:
        with pytest.raises(
            InvalidData, match="snapshot: the parts of an executor each show their own moment"
        ):
            exported(flow, cats(flow), executor=OneByOne(), snapshot=True)

    def test_a_format_that_is_no_sum_of_its_parts(self, flow: Flow) -> None:
        with pytest.raises(
            InvalidData, match="executor: a file in the format 'csv' cannot be put together"
        ):
            flow.results.export(cats(flow), "csv", io.BytesIO(), executor=OneByOne())

    def test_who_may_not_export_gives_nobody_work(self, flow: Flow) -> None:
        job, inline = cats(flow), OneByOne()
        with pytest.raises(NotAllowed):
            exported(flow, job, by="ben", executor=inline)
        assert inline.given == 0

    def test_a_worker_that_fails_leaves_the_file_as_it_was(
        self, flow: Flow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job, target = cats(flow), tmp_path / "out.manifest"
        target.write_text("yesterday's\n")

        def breaking(share: tuple[int, JobPartition], *how: Any) -> tuple[WriteReport, bytes]:
            if share[1].index == 3:
                raise StoreFailed("labels.db", "the disk is gone", "Look for it")
            return _write_bytes(share, *how)

        monkeypatch.setattr("itagflow.results.exporting._write_bytes", breaking)
        with pytest.raises(StoreFailed, match="the disk is gone"):
            flow.results.export(job, "itag", target, executor=OneByOne(), partitions=4)
        assert target.read_text() == "yesterday's\n"


class Waiting(Executor):
    """Begins nothing by itself: who asks for a result does the work."""

    def __init__(self) -> None:
        self.futures = list[Future[Any]]()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = Future[Any]()
        future.result = lambda timeout=None: fn(*args, **kwargs)  # type: ignore[method-assign]
        self.futures.append(future)
        return future


class TestSpreading:
    WHOLE = JobPartition(job=4, first=1, last=100)

    def test_only_so_many_parts_are_under_way(self) -> None:
        executor = Waiting()
        for taken_, (part, word) in enumerate(
            map_partitions(executor, cut(self.WHOLE, 100), _echo, "x"), 1
        ):
            assert (part.index, word) == (taken_, "x")
            assert len(executor.futures) == min(100, taken_ + AHEAD - 1)

    def test_what_is_not_begun_is_called_off_when_a_part_fails(self) -> None:
        executor = Waiting()
        with pytest.raises(ZeroDivisionError):
            list(map_partitions(executor, cut(self.WHOLE, 100), lambda part: 1 // (3 - part.index)))
        called_off = [future.cancelled() for future in executor.futures]
        assert called_off == [False] * 3 + [True] * (AHEAD - 1)


def _echo(part: JobPartition, word: str) -> tuple[JobPartition, str]:
    return part, word
