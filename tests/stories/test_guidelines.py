"""Guidelines have versions: all are kept, work knows its own, and people can be made to read them."""

from __future__ import annotations

import pytest
from support.scenes import cats, labeled, rows, street, taken, verbs

import itagflow
from itagflow import (
    Choice,
    Flow,
    Inspect,
    InvalidData,
    Label,
    NotAllowed,
    Stage,
    Workflow,
    maintenance,
    templates,
)
from itagflow.errors import NotAcknowledged

ASKED = Workflow(Label(acknowledge=True))


def test_each_change_of_the_text_is_a_version_and_old_texts_can_be_read(flow: Flow) -> None:
    job = cats(flow, guideline="Look.")
    assert job.guideline_version == 1
    job = flow.jobs.update(job, guideline="Look twice.", remark="x", by="ada")
    assert (job.guideline, job.guideline_version) == ("Look twice.", 2)
    before = verbs(flow, job)
    assert flow.jobs.update(job, guideline="Look twice.", by="ada") == job
    assert verbs(flow, job) == before, "sent again it is one act"
    assert flow.jobs.update(job, remark="y", by="ada").guideline_version == 2
    assert [(guideline.version, guideline.text) for guideline in flow.jobs.guidelines(job)] == [
        (1, "Look."),
        (2, "Look twice."),
    ]
    assert flow.jobs.guidelines(job, by="ben") == flow.jobs.guidelines(job)


def test_a_job_without_a_guideline_has_version_0(flow: Flow) -> None:
    job = cats(flow)
    assert (job.guideline_version, flow.jobs.guidelines(job)) == (0, [])
    assert flow.jobs.update(job, guideline="Look.", by="ada").guideline_version == 1
    assert flow.jobs.clone(job, "again", by="ada").guideline_version == 0


def test_an_assignment_knows_the_version_that_it_was_claimed_under(flow: Flow) -> None:
    job = cats(flow, guideline="Look.")
    first = taken(flow, "ben", job)
    offer = flow.assignments.assign((job, 2), "cy", by="ada")
    assert (first.guideline_version, offer.guideline_version) == (1, 0)
    flow.jobs.update(job, guideline="Look twice.", by="ada")
    assert flow.assignments.get(first).guideline_version == 1
    assert taken(flow, "cy", job).guideline_version == 2


def test_who_has_not_acknowledged_the_newest_version_claims_nothing(flow: Flow) -> None:
    job = cats(flow, guideline="Look.", workflow=ASKED)
    with pytest.raises(NotAcknowledged) as caught:
        flow.claim("ben", job, Stage.LABEL)
    assert (caught.value.member, caught.value.version) == ("ben", 1)
    assert "version 1 of the guideline of job 'cats'" in str(caught.value)
    assert list(flow.available("ben")) == []
    reason = "ben has not acknowledged version 1 of the guideline"
    assert flow.explain("ben", job, Stage.LABEL) == reason
    assert flow.acknowledge("ben", job) == 1
    held = taken(flow, "ben", job)
    flow.jobs.update(job, guideline="Look twice.", by="ada")
    flow.save(held, 1, Choice("cat"))  # what is held goes on
    with pytest.raises(NotAcknowledged, match="version 2"):
        flow.claim("ben", job, Stage.LABEL)
    with pytest.raises(NotAcknowledged):
        flow.claim_many("ben", job, Stage.LABEL, 2)
    flow.acknowledge("ben", job)
    assert taken(flow, "ben", job).guideline_version == 2


def test_an_offer_is_not_claimed_before_either(flow: Flow) -> None:
    job = cats(flow, guideline="Look.", workflow=ASKED)
    flow.assignments.assign((job, 2), "cy", by="ada")
    with pytest.raises(NotAcknowledged):
        flow.claim("cy", job, Stage.LABEL)
    flow.acknowledge("cy", job)
    assert taken(flow, "cy", job).package == 2


def test_acknowledging_sent_again_is_one_act_and_never_goes_back(flow: Flow) -> None:
    job = cats(flow, guideline="1", workflow=ASKED)
    job = flow.jobs.update(job, guideline="2", by="ada")
    for _ in range(2):
        assert flow.acknowledge("ben", job, version=1) == 1
    assert verbs(flow, job).count("acknowledge") == 1
    with pytest.raises(NotAcknowledged, match="version 2"):
        flow.claim("ben", job, Stage.LABEL)
    flow.acknowledge("ben", job, version=2)
    flow.acknowledge("ben", job, version=1)
    taken(flow, "ben", job)
    event = [event for event in flow.events.list(job) if event.type == "acknowledge"][-1]
    assert (event.account, event.data["version"]) == ("ben", 2)
    assert str(event).endswith("ben acknowledged the guideline of job 'cats'")


def test_a_claim_sent_again_gets_what_it_was_given_under_the_old_version(flow: Flow) -> None:
    job = cats(flow, guideline="1", workflow=ASKED)
    flow.acknowledge("ben", job)
    held = flow.claim("ben", job, Stage.LABEL, token="t")
    flow.jobs.update(job, guideline="2", by="ada")
    assert flow.claim("ben", job, Stage.LABEL, token="t") == held
    with pytest.raises(NotAcknowledged):
        flow.claim("ben", job, Stage.LABEL, token="u")


def test_reviewers_can_be_asked_too(flow: Flow) -> None:
    workflow = Workflow(Label(), Inspect(acknowledge=True))
    job = cats(flow, guideline="1", workflow=workflow)
    labeled(flow, "ben", job)
    with pytest.raises(NotAcknowledged):
        flow.claim("di", job, Stage.INSPECT)
    flow.acknowledge("di", job)
    taken(flow, "di", job, Stage.INSPECT)


def test_without_a_guideline_there_is_nothing_to_acknowledge(flow: Flow) -> None:
    job = cats(flow, workflow=ASKED)
    taken(flow, "ben", job)
    assert flow.acknowledge("ben", job) == 0
    assert "acknowledge" not in verbs(flow, job)


def test_a_version_that_is_not_there_and_a_job_of_others_are_refused(flow: Flow) -> None:
    job = cats(flow, guideline="1")
    with pytest.raises(InvalidData, match="the newest version is 1"):
        flow.acknowledge("ben", job, version=2)
    flow.members.add("street", "eve", "operator", by="ada")
    with pytest.raises(NotAllowed):
        flow.acknowledge("eve", job)
    with pytest.raises(NotAllowed):
        flow.jobs.guidelines(job, by="eve")
    flow.jobs.archive(job, by="ada")
    with pytest.raises(NotAllowed, match="archived"):
        flow.acknowledge("ben", job)


def test_versions_are_copied_and_verified(flow: Flow) -> None:
    job = cats(flow, guideline="1", workflow=ASKED)
    flow.acknowledge("ben", job)
    flow.jobs.update(job, guideline="2", by="ada")
    with itagflow.open("memory:") as other:
        maintenance.copy(flow, to=other.store)
        assert other.jobs.guidelines(job.id) == flow.jobs.guidelines(job)
        assert list(maintenance.verify(other)) == []


def test_a_job_that_exists_compares_its_guideline_as_given(flow: Flow) -> None:
    home = street(flow, "ben")
    given = {
        "template": templates.image_classification(["cat"]),
        "data": rows(1),
        "guideline": "1",
        "by": "ada",
    }
    job = flow.jobs.create(home, "x", **given)
    assert flow.jobs.create(home, "x", exist_ok=True, **given) == job
