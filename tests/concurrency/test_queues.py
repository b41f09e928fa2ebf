"""Several feed one job at once, while others work on it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from support.scenes import street

from itagflow import Choice, Flow, Job, JobState, NotHeld, Stage, maintenance, templates


def queue(flow: Flow) -> Job:
    street(flow, "ben", "cy")
    cats = templates.image_classification(["cat", "dog"])
    workforce = {Stage.LABEL: ["ben", "cy"]}
    return flow.jobs.create("street", "queue", template=cats, workforce=workforce, by="ada")


def test_the_same_key_sent_at_once_gives_one_task(flow: Flow) -> None:
    job = queue(flow)
    with ThreadPoolExecutor(8) as pool:
        sent = [
            pool.submit(flow.jobs.add, job, {"source": "x"}, key=n // 4, by="ada")
            for n in range(40)
        ]
        tasks = [each.result(60) for each in sent]
    assert [len({task.number for task in tasks[n : n + 4]}) for n in range(0, 40, 4)] == [1] * 10
    assert flow.jobs.progress(job).total == 10
    assert sum(event.type == "add" for event in flow.events.list(job)) == 10


def test_labelers_add_and_withdraw_at_once(flow: Flow) -> None:
    job = queue(flow)

    def feed(first: int) -> None:
        for n in range(first, first + 15):
            flow.jobs.add(job, {"source": f"{n}.jpg"}, key=n, by="ada")
            if n % 5 == 0:
                flow.jobs.withdraw(job, keys=[n], by="ada")

    def label(name: str) -> int:
        done = 0
        for _ in range(40):
            assignment = flow.claim(name, job, Stage.LABEL)
            if assignment is None:
                continue
            try:
                for item in flow.tasks(assignment):
                    flow.save(assignment, item, Choice("cat"))
                flow.submit(assignment)
            except NotHeld:  # it was withdrawn
                continue
            done += 1
        return done

    with ThreadPoolExecutor(4) as pool:
        feeding = [pool.submit(feed, first) for first in (0, 100)]
        labeling = [pool.submit(label, name) for name in ("ben", "cy")]
        for each in feeding:
            each.result(60)
        done = sum(each.result(60) for each in labeling)
    done += label("ben")
    progress = flow.jobs.progress(job)
    assert progress.is_idle
    assert progress.done == done
    assert flow.jobs.get(job).state is JobState.RUNNING
    assert list(maintenance.verify(flow)) == []
