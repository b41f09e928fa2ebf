"""Every screen can be read, used by keyboard and used on a phone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from examples.web.demo import JOBS
from selenium.webdriver import Keys

from itagflow import Choice, Preference, Stage, Workflow

from .conftest import Browse, Server
from .screen import Screen

AUDITS = os.environ.get("WEB_AUDITS")
"""The folder for pictures of all screens, where somebody is to look at them."""
AUDIT = (Path(__file__).parent / "audit.js").read_text("utf-8")
"""Returns what of the page is illegible, has no name, is too small or lies over something else."""


def audit(screen: Screen, name: str) -> None:
    """Find what is illegible, without a name, too small or on top of something else."""
    if AUDITS:
        screen.save_whole(Path(AUDITS) / f"{name}.png")
    assert screen.run(AUDIT) == [], name


def label_two_jobs(server: Server) -> None:
    """Have work for an inspection: one package, and another on whose tasks the votes differ."""
    answers = (
        ("Shapes", "ben", Choice("circle")),
        ("Which-answer-is-better", "ben", Preference("a", degree=2)),
        ("Which-answer-is-better", "cy", Preference("b")),
    )
    for job, account, reply in answers:
        assignment = server.flow.claim(account, job, Stage.LABEL)
        assert assignment is not None
        for item in server.flow.tasks(assignment):
            server.flow.save(assignment, item, {"1": reply})
        server.flow.submit(assignment)


@pytest.fixture(params=["desktop", "phone"])
def start(request: pytest.FixtureRequest, browse: Browse) -> Callable[[str], Screen]:
    return lambda account: browse(account, is_small=request.param == "phone")


def test_labeling_screens(server: Server, start: Callable[[str], Screen]) -> None:
    ben = start("ben")
    size = "phone" if ben.run("return innerWidth") < 500 else "desktop"
    audit(ben, f"list-{size}")
    for job, _, _ in JOBS:
        ben.grab("label", job)
        ben.wait(lambda: "is loading" not in ben.text("main"))
        audit(ben, f"label-{job}-{size}")
    ben.click("#abandon")
    ben.find("dialog")
    audit(ben, f"abandon-{size}")
    ben.press(Keys.ESCAPE)
    ben.open("label")
    ben.find("#mine")
    audit(ben, f"mine-{size}")
    ben.open("accept")
    ben.find("#nothing")
    audit(ben, f"nothing-{size}")


def test_inspection_screens(server: Server, start: Callable[[str], Screen]) -> None:
    label_two_jobs(server)
    di = start("di")
    size = "phone" if di.run("return innerWidth") < 500 else "desktop"
    di.grab("inspect", "Which-answer-is-better")
    audit(di, f"inspect-votes-{size}")
    di.grab("inspect", "Shapes")
    audit(di, f"inspect-{size}")
    di.click("#wrong")
    di.find("dialog")
    audit(di, f"wrong-{size}")
    di.choose("#dialog-reason", "inexact")
    di.click("#dialog-ok")
    di.find(".steps .wrong")
    di.click('[aria-label^="task 1"]')
    audit(di, f"judged-{size}")
    di.click("#modify")
    di.find("#save")
    audit(di, f"modify-{size}")
    di.click("#review")
    di.find("#notice .bad")
    audit(di, f"refused-{size}")


def test_management_screens(server: Server, start: Callable[[str], Screen]) -> None:
    label_two_jobs(server)
    ada = start("ada")
    size = "phone" if ada.run("return innerWidth") < 500 else "desktop"
    ada.open("manage")
    ada.find("#jobs")
    audit(ada, f"manage-{size}")
    ada.click("#new-job summary")
    audit(ada, f"new-job-{size}")
    ada.click('#jobs a[href*="manage/"]')
    ada.find("#members")
    audit(ada, f"job-{size}")


def test_those_who_may_not_manage_see_less(server: Server, start: Callable[[str], Screen]) -> None:
    ben = start("ben")
    size = "phone" if ben.run("return innerWidth") < 500 else "desktop"
    ben.open("manage")
    ben.find("#jobs")
    audit(ben, f"manage-ben-{size}")
    assert not ben.has("#new-job")
    assert not ben.has("#jobs a")
    job = server.flow.jobs.get("Shapes")
    ben.driver.get(f"{server.url}/#/manage/{job.id}")
    ben.find("#notice .bad")
    audit(ben, f"refused-ben-{size}")


def test_signing_in(server: Server, start: Callable[[str], Screen]) -> None:
    ben = start("ben")
    size = "phone" if ben.run("return innerWidth") < 500 else "desktop"
    ben.click("#sign-out")
    ben.find("#sign-in")
    audit(ben, f"sign-in-{size}")
    ben.type("#account", "ben")
    ben.type("#password", "wrong")
    ben.click("#sign-in")
    ben.find("#notice .bad")
    audit(ben, f"sign-in-refused-{size}")


def focused(screen: Screen) -> str:
    return str(screen.run("return document.activeElement.outerHTML"))


def test_a_task_is_labeled_by_keyboard_alone(server: Server, browse: Browse) -> None:
    ben = browse("ben")
    ben.grab("label", "Shapes")
    ben.run("document.querySelector('[data-key=circle]').focus()")
    ben.press(Keys.SPACE)
    ben.find('[data-key="circle"].chosen')
    assert 'data-key="circle"' in focused(ben)  # the screen was drawn again
    ben.press(Keys.TAB, Keys.SPACE)
    ben.find('[data-key="square"].chosen')
    assert 'data-key="square"' in focused(ben)


def test_what_is_marked_is_chosen_by_keyboard(server: Server, browse: Browse) -> None:
    ben = browse("ben")
    ben.grab("label", "Objects-in-pictures")
    ben.find("svg.surface")
    for left in (0.1, 0.5):
        ben.drag("svg.surface", (left, 0.1), (left + 0.2, 0.3))
    ben.count(".parts li", 2)
    ben.run("document.querySelector('[data-part=\"0\"]').focus()")
    ben.press(Keys.SPACE)
    ben.find('.chosen [data-part="0"]')
    assert 'data-part="0"' in focused(ben)
    ben.press(Keys.DELETE)
    ben.count(".parts li", 1)


def test_a_guideline_is_shown_before_it_is_acknowledged(server: Server, browse: Browse) -> None:
    flow = server.flow
    job = flow.jobs.get("Shapes")
    label = attrs.evolve(job.workflow.label, acknowledge=True)
    workflow = Workflow(label, job.workflow.inspect, job.workflow.accept)
    flow.jobs.update(job, workflow=workflow, by="ada")
    ben = browse("ben")
    ben.open("label")
    ben.click('[data-job="Shapes"] .grab')
    ben.find("dialog")
    assert "What is the largest shape" in ben.text("dialog")
    ben.press(Keys.ESCAPE)
    ben.wait(lambda: not ben.has("dialog"))
    ben.click('[data-job="Shapes"] .grab')
    ben.click("#acknowledge")
    ben.find(".steps")
