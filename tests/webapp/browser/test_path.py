"""The whole path by clicking, from the form for a new job to the file."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import Browse, Server
from .screen import Screen


def create_job(ada: Screen) -> None:
    ada.open("manage")
    ada.click("#new-job summary")
    ada.type("#new-name", "birds")
    ada.type("#new-labels", "crow, gull")
    ada.type("#new-rows", "shape-0.png\nshape-1.png")
    ada.type("#new-guideline", "Gulls are white.")
    ada.type("#new-size", "2")
    for crew in ("label-ben", "inspect-di", "accept-ada"):
        ada.click(f"#new-{crew}")
    ada.click("#new-publish")
    ada.shows("The job is published.")


def test_the_form_for_a_job_asks_for_people_and_offers_what_fits(browse: Browse) -> None:
    ada = browse("ada")
    ada.open("manage")
    ada.click("#new-job summary")
    assert not ada.has("#new-label-vic")  # who only reads cannot work
    ada.type("#new-name", "shapes")
    ada.type("#new-labels", "circle, square")
    ada.click("#new-files")
    files = ada.find("#new-rows").get_property("value").split("\n")
    assert {file.rpartition(".")[2] for file in files} == {"png"}
    ada.click("#new-publish")
    ada.shows("Choose who labels")
    ada.click("#new-label-ben")
    ada.click("#new-publish")
    ada.shows("Choose who inspects")
    ada.click("#new-inspect-di")
    ada.click("#new-accept")
    ada.click("#new-publish")
    ada.shows("The job is published.")


def test_from_a_new_job_to_the_file(server: Server, browse: Browse, tmp_path: Path) -> None:
    ada, ben, di = browse("ada"), browse("ben"), browse("di")
    create_job(ada)

    ben.grab("label", "birds")
    ben.shows("Gulls are white.")
    ben.click('[data-key="crow"]')
    ben.save()
    ben.press("1")
    ben.press_save()
    ben.count(".steps .done", 2)
    ben.leave_by("#submit")

    di.grab("inspect", "birds")
    di.click("#modify")
    di.click('[data-key="gull"]')
    di.save()
    di.shows("task 2 of 2")
    di.click("#wrong")
    di.dialog("look at the wings")
    di.find(".steps .wrong")
    di.click("#review")
    di.shows("judged wrong")  # why it cannot pass
    di.click("#reject")
    di.dialog("one of two")
    di.shows("Sent back.")

    ben.open("label")
    ben.click("#mine .continue")
    ben.shows("look at the wings")
    ben.shows("one of two")
    ben.click('[data-key="gull"]')
    ben.save()
    ben.leave_by("#submit")

    di.grab("inspect", "birds")
    di.click("#right")
    di.find(".steps .done")
    di.leave_by("#review")
    di.shows("Passed.")

    ada.grab("accept", "birds")
    ada.leave_by("#accept")
    ada.shows("Accepted.")
    ada.open("manage")
    job = server.flow.jobs.get("birds")
    ada.click(f'#jobs a[href="#/manage/{job.id}"]')
    ada.shows("2 of 2 tasks done")
    ada.choose("#format", "itag")
    ada.click("#export")
    ada.shows("Exported to birds.manifest.")
    file = tmp_path / "birds.manifest"
    ada.wait(file.exists)
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [len(row) for row in rows] == [4, 4]
    birds = [result.replies["1"] for result in server.flow.results.list(job)]
    assert [bird.key for bird in birds] == ["gull", "gull"]  # type: ignore[union-attr]
    assert [screen.errors() for screen in (ada, ben, di)] == [[], [], []]


def test_a_reload_in_the_middle_loses_nothing(server: Server, browse: Browse) -> None:
    ben = browse("ben")
    ben.grab("label", "Posts")
    ben.click('[data-question="1"] [data-key="remove"]')
    ben.click('[data-question="2"] [data-key="spam"]')
    ben.type('[data-text="6"]', "half a thou")
    ben.wait(lambda: ben.text("#saved") == "draft saved")
    ben.driver.refresh()
    ben.find('[data-key="spam"].chosen')
    assert ben.find('[data-text="6"]').get_property("value") == "half a thou"
    ben.click('[aria-label^="task 2"]')
    ben.shows("task 2 of 2")
    ben.driver.refresh()
    ben.shows("task 2 of 2")
    ben.open("label")
    ben.click("#mine .continue")
    ben.find(".steps .draft")
    (held,) = server.flow.assignments.list("ben")
    assert next(server.flow.tasks(held)).draft is not None


def test_what_is_typed_last_is_saved_when_the_page_is_closed(
    server: Server, browse: Browse
) -> None:
    ben = browse("ben")
    ben.grab("label", "Posts")
    (held,) = server.flow.assignments.list("ben")
    ben.type('[data-text="6"]', "the last word")
    ben.driver.get("about:blank")

    def was_saved() -> bool:
        draft = next(server.flow.tasks(held)).draft
        return draft is not None and "the last word" in str(draft.replies)

    ben.wait(was_saved)


def test_two_browsers_are_given_different_packages(server: Server, browse: Browse) -> None:
    ben, cy = browse("ben"), browse("cy")
    ben.open("label")
    cy.open("label")
    for screen in (ben, cy):
        screen.click('[data-job="Shapes"] .grab')
    for screen in (ben, cy):
        screen.find("#submit")
    held = [next(server.flow.assignments.list(name)) for name in ("ben", "cy")]
    assert {each.package for each in held} == {1, 2}
    cy.open("label")
    cy.find("#mine")
    assert not cy.has('[data-job="Shapes"]')


def test_two_windows_of_one_person_do_not_overwrite_each_other(
    server: Server, browse: Browse
) -> None:
    first, second = browse("ben"), browse("ben")
    first.grab("label", "Shapes")
    second.driver.get(first.driver.current_url)
    second.find("#save")
    first.click('[data-key="circle"]')
    first.save()
    second.click('[data-key="square"]')
    second.click("#save")
    second.shows("changed in another window")
    (held,) = server.flow.assignments.list("ben")
    assert next(server.flow.tasks(held)).answer.reply.key == "circle"  # type: ignore[union-attr]
    second.find('[data-key="square"].chosen')
    second.save()
    assert next(server.flow.tasks(held)).answer.reply.key == "square"  # type: ignore[union-attr]


def test_the_lease_is_renewed_while_the_page_is_open(server: Server, browse: Browse) -> None:
    ben = browse("ben")
    ben.speed_up_timers(200)
    ben.driver.refresh()
    ben.grab("label", "Shapes")
    (held,) = server.flow.assignments.list("ben")
    ben.wait(lambda: server.flow.assignments.get(held).version > held.version + 1)
    ben.open("label")
    ben.find("#mine")
    assert server.flow.assignments.get(held).lease_until > held.lease_until  # type: ignore[operator]


def test_work_that_was_taken_away_is_told(server: Server, browse: Browse) -> None:
    ben, ada = browse("ben"), browse("ada")
    ben.grab("label", "Shapes")
    ada.open("manage")
    job = server.flow.jobs.get("Shapes")
    ada.click(f'#jobs a[href="#/manage/{job.id}"]')
    ada.wait(lambda: "package 1 at label, held" in ada.text("#members"))
    ada.take_picture("web-manage")
    ada.click("#members button")
    ada.wait(lambda: "package 1 at label" not in ada.text("#members"))
    ben.click('[data-key="circle"]')
    ben.click("#save")
    ben.wait(lambda: ben.has("#notice .bad"))
    assert list(server.flow.assignments.list("ben", job=job)) == []


def test_votes_that_differ_are_decided_at_inspection(server: Server, browse: Browse) -> None:
    for account, side in (("ben", "a"), ("cy", "b")):
        labeler = browse(account)
        labeler.grab("label", "Which-answer-is-better")
        for _ in range(3):
            labeler.click(f'[data-key="{side}"]')
            labeler.click('[data-degree="2"]')
            labeler.save()
        labeler.leave_by("#submit")
    di = browse("di")
    di.grab("inspect", "Which-answer-is-better")
    di.click("#comment")
    di.dialog("Ben, why?")
    di.shows("Ben, why?")
    di.take_picture("web-inspect")
    for at in (1, 2, 3):
        di.shows(f"task {at} of 3")
        di.click(".take")
        di.count(".steps .done", at)
    di.leave_by("#review")
    di.shows("Passed.")
    job = server.flow.jobs.get("Which-answer-is-better")
    assert {result.replies["1"].better for result in server.flow.results.list(job)} == {"a"}  # type: ignore[union-attr]
