"""One story that reaches every stage and almost every kind of event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

import attrs

from itagflow import (
    Accept,
    Assignment,
    Box,
    Choice,
    Choices,
    FixedSize,
    Flow,
    Group,
    GroupByField,
    Inspect,
    Job,
    Keypoint,
    Keypoints,
    Label,
    Mask,
    PackageCount,
    Point,
    Polygon,
    Polyline,
    Preference,
    PreLabel,
    Ranking,
    Rating,
    Regions,
    Relation,
    Role,
    RotatedBox,
    Route,
    Segment,
    Segments,
    Spans,
    Stage,
    Task,
    Template,
    Text,
    TextSpan,
    Workflow,
    WorkItem,
    maintenance,
    templates,
)
from itagflow.model import Visibility
from itagflow.templates import (
    AddOption,
    Option,
    Question,
    QuestionKind,
    RenameOption,
    Scale,
    Shape,
)
from support.scenes import Clock

L, I, A = Stage.LABEL, Stage.INSPECT, Stage.ACCEPT
Reply = Callable[[WorkItem], Any]
HOUR = timedelta(hours=1)


@attrs.frozen
class Story:
    """A Flow, and the clock that it goes by."""

    flow: Flow
    clock: Clock

    @property
    def next(self) -> Flow:
        """The Flow, a minute later."""
        self.clock.forward(minutes=1)
        return self.flow

    def claim(self, member: str, job: Job, stage: Stage = L) -> Assignment:
        """Claim what must be there."""
        assignment = self.next.claim(member, job, stage)
        assert assignment is not None, self.flow.explain(member, job, stage)
        return assignment

    def label(self, member: str, job: Job, reply: Reply) -> None:
        """Claim a package, answer its tasks and submit it; a string abandons a task."""
        assignment = self.claim(member, job)
        for work in list(self.flow.tasks(assignment)):
            given = reply(work)
            if isinstance(given, str):
                self.next.abandon(assignment, work.task, given)
            else:
                self.next.save(assignment, work.task, given)
        self.next.submit(assignment)

    def let_pass(self, member: str, job: Job, stage: Stage) -> None:
        """Claim a package at a review stage and let it pass."""
        review = self.claim(member, job, stage)
        if stage is I:
            self.next.review(review)
        else:
            self.next.accept(review)

    def create(
        self,
        name: str,
        template: Template,
        rows: Iterable[Mapping[str, Any]],
        *rules: Any,
        **more: Any,
    ) -> Job:
        """Create a job in which everybody may label, di inspects and ada accepts."""
        workflow = Workflow(*rules)
        workforce = {L: [Group("day"), "ben"], I: ["di"], A: ["ada"]}
        settings = {"packaging": FixedSize(2), "seed": 7, **more}
        template = attrs.evolve(template, abandon_reasons=("too dark", "not in scope"))
        return self.next.jobs.create(
            "street",
            name,
            template=template,
            data=list(rows),
            workflow=workflow,
            workforce={stage: workforce[stage] for stage in workflow.stages},
            by="ada",
            **settings,
        )


def tell(flow: Flow, clock: Clock) -> dict[str, Job]:
    """Tell the whole story and return its jobs by name."""
    story = Story(flow, clock)
    people(story)
    parts = (signs, shapes, moods, names, opinions, talks, imported)
    jobs = {part.__name__: part(story) for part in parts}
    endings(story)
    return jobs


def people(story: Story) -> None:
    """Hire everybody."""
    story.next.workspaces.create("street", admin="ada")
    story.next.members.add("street", "ben", Role.OPERATOR, by="ada")
    for name in ("cy", "eve"):
        story.next.members.add("street", name, Role.OPERATOR, by="ada", groups=["day"])
    story.next.members.add("street", "di", Role.VIEWER, by="ada")
    story.next.members.set_role("street", "di", Role.OPERATOR, by="ada")
    story.next.members.add("street", "fay", Role.OPERATOR, by="ada", external=True)


def signs(story: Story) -> Job:
    """Boxes with pre-labels, samples, rejects at both review stages, rework, and a reopened package."""
    template = templates.object_detection(["car", "sign"])
    rows = [
        {
            "data": {"source": f"路口/{n}.jpg", "camera": "=1+1" if n == 1 else f"c{n % 2}"},
            "weather": "rain",
        }
        for n in range(1, 7)
    ]
    rows[0]["label-77"] = {"results": []}  # the results of another job stay in the row
    rules = (Label(lease=HOUR), Inspect(task_share=0.5), Accept(reject_to=I))
    job = story.create(
        "signs", template, rows, *rules, draft=True, row_key="source", tags=["urgent"], remark="v1"
    )
    story.next.jobs.prelabel(job, _predict, by="ada", min_confidence=0.9, model="yolo-1")
    story.next.jobs.publish(job, by="ada")
    story.next.packages.prioritize(job, 5, by="ada", packages=[3])
    _signs_first_labeling(story, job)
    _signs_rejected(story, job)
    _signs_finished(story, job)
    return job


def _predict(tasks: Iterable[Task]) -> list[PreLabel | None]:
    """Predict package 1 with little confidence, package 2 with much, and package 3 not at all."""
    scores = {1: 0.4, 2: 0.95}
    return [
        PreLabel(_car(task), scores[task.package]) if task.package in scores else None
        for task in tasks
    ]


def _car(task: Task, *more: Any) -> Regions:
    return Regions(
        [Box(10 * task.number, 20, 100, 50.5, label="car"), *more], width=1280, height=720
    )


def _signs_first_labeling(story: Story, job: Job) -> None:
    sign = RotatedBox(300, 40, 30, 30, 45, label="sign", id="s1", color="#ff0000")
    story.label(
        "cy", job, lambda work: "too dark" if work.task.number == 6 else _car(work.task, sign)
    )
    held = story.claim("ben", job)
    story.next.save_many(held, [(work, _car(work.task)) for work in story.flow.tasks(held)])
    story.next.abandon(held, 2, "too dark")
    story.next.restore(held, 2)
    story.next.release(held, comment="lunch")
    story.label("eve", job, lambda work: _car(work.task))


def _signs_rejected(story: Story, job: Job) -> None:
    for _ in range(3):
        review = story.claim("di", job, I)
        if review.package == 1:
            inspected = next(iter(story.flow.tasks(review)))
            story.next.judge(review, inspected, wrong="the sign is missing\nlook left")
            story.next.reject(review)
        else:
            story.next.review(review)
    sign = Box(300, 40, 30, 30, label="sign")
    story.label("eve", job, lambda work: _car(work.task, sign))
    review = story.claim("di", job, I)
    for work in list(story.flow.tasks(review)):
        story.next.modify(review, work, _car(work.task, Box(301, 41, 29, 29, label="sign")))
    story.next.review(review)


def _signs_finished(story: Story, job: Job) -> None:
    rejected = story.claim("ada", job, A)
    first = next(iter(story.flow.tasks(rejected))).task
    story.next.reject(rejected, tasks=[first], comment="two cars")
    review = story.claim("di", job, I)
    story.next.judge(review, first)
    story.next.review(review)
    for _ in range(3):
        story.let_pass("ada", job, A)
    story.next.packages.reopen((job.id, 2), by="ada", comment="a second look")
    story.let_pass("di", job, I)
    story.let_pass("ada", job, A)


def shapes(story: Story) -> Job:
    """Every other kind of region, in a job without a review."""
    label = Question("1", QuestionKind.RADIO, "Kind", (Option("road"), Option("cat")))
    question = Question(
        "1", QuestionKind.PICTURE, "Shapes", children=(label,), keypoints=("nose", "tail")
    )
    question = attrs.evolve(question, shapes=tuple(Shape))
    job = story.create(
        "shapes", Template(questions=(question,)), [{"data": {"source": "a.jpg"}}], Label()
    )
    hole = [(2, 2), (3, 2), (3, 3)]
    regions = [
        Polygon([(0, 0), (10, 0), (10, 10.25)], [hole], label="road"),
        Polyline([(0, 0), (4, 3)], label="road"),
        Point(3, 4, label="cat"),
        Keypoints(
            [Keypoint("nose", 3, 4), Keypoint("tail", visibility=Visibility.ABSENT)], label="cat"
        ),
        Mask([2, 3, 395], label="cat"),
    ]
    story.label("ben", job, lambda _: Regions(regions, width=20, height=20, rotation=90))
    return job


def moods(story: Story) -> Job:
    """Three votes on each package: agreed, disputed and abandoned; one package stays under way."""
    template = templates.text_classification(["good", "bad", "mixed"])
    rows = [{"data": {"source": f"comment {n}"}} for n in range(1, 7)]
    job = story.create("moods", template, rows, Label(votes=3, min_votes=2, lease=HOUR), Accept())
    votes = {"ben": "good good good", "cy": "good bad good", "eve": "good mixed bad"}
    said = {name: dict(enumerate(words.split(), 1)) for name, words in votes.items()}
    for name, replies in said.items():
        story.label(name, job, lambda work, r=replies: Choice(r[work.task.number]))
    for name in ("ben", "cy", "eve"):
        give_up = name != "eve"
        story.label(
            name,
            job,
            lambda work, g=give_up: (
                "not in scope" if g and work.task.number == 4 else Choice("bad")
            ),
        )
    review = story.claim("ada", job, A)
    story.next.modify(review, 2, Choice("mixed"))
    story.next.accept(review)
    story.label("ben", job, lambda work: Choice("good"))
    lapsed = story.claim("cy", job)
    story.clock.forward(hours=2)
    assert [each.id for each in story.next.assignments.expire(job, by="ada")] == [lapsed.id]
    story.next.jobs.pause(job, by="ada")
    return job


def names(story: Story) -> Job:
    """Spans and relations; rows are appended, erased and discarded, the template changes."""
    template = templates.entity_relation(["company", "place"], ["bought"])
    rows = [
        {"data": {"source": text}}
        for text in ("Acme 😀 bought Beta.", "Nobody.", "Beta is in Rome.")
    ]
    job = story.create("names", template, rows, Label(rework=Route.QUEUE), Inspect())
    story.label("ben", job, _spans)
    review = story.claim("di", job, I)
    story.next.reject(review, comment="read it again", whole=True)
    story.next.packages.prioritize(job, 1, by="ada", packages=[1])
    story.label("cy", job, _spans)
    story.next.jobs.append(
        job, [{"data": {"source": "Acme!"}}, {"data": {"source": "Gone."}}], by="ada"
    )
    story.next.jobs.update(job, by="ada", guideline="Mark *all*.", tags=["nlp"])
    changes = [
        RenameOption("1", "company", "firm", about="Text content"),
        AddOption("1", "person", about="Text content"),
    ]
    story.next.jobs.change_template(job, changes, by="ada")
    story.next.jobs.set_workforce(job, {L: ["ben", "cy", "eve"], I: ["di", "ada"]}, by="ada")
    story.next.assignments.assign((job.id, 2), "cy", by="ada")
    held = story.claim("cy", job)
    story.next.assignments.reassign(held, "eve", by="ada", comment="cy is away")
    story.label("eve", job, _spans)
    maintenance.erase_task(story.next, (job.id, 3), by="ada", comment="on request")
    story.let_pass("di", job, I)
    story.next.packages.discard((job.id, 3), by="ada", comment="not needed")
    return job


def _spans(work: WorkItem) -> Spans:
    text = work.data["source"]
    label = "company" if work.task.package == 1 else "firm"
    found = [word for word in ("Acme", "Beta") if word in text]
    starts = [text.index(word) for word in found]
    spans = [TextSpan(start, start + 4, labels={"Text content": (label,)}) for start in starts]
    return Spans(spans, [Relation(0, 1, label="bought")] if len(spans) == 2 else [])


def opinions(story: Story) -> Job:
    """Choices, texts, rankings, ratings and preferences, in packages by a field of the data."""
    two = (Option("a", "First"), Option("b", "Second"))
    reason = Question("7", QuestionKind.INPUT, "Why", required=False, when=("bad",))
    template = Template(
        questions=(
            Question(
                "1",
                QuestionKind.RADIO,
                "Good?",
                (Option("good"), Option("bad")),
                children=(reason,),
            ),
            Question("2", QuestionKind.CHECKBOX, "Topics", (Option("cars"), Option("体育"))),
            Question("3", QuestionKind.OPEN_ENDED, "Remark", required=False),
            Question("4", QuestionKind.RANKING, "Order", two),
            Question("5", QuestionKind.RATING, "Stars", scale=Scale(1, 5, 0.5)),
            Question("6", QuestionKind.PREFERENCE, "Better", two, scale=Scale(1, 3)),
        )
    )
    rows = [{"data": {"source": f"answer {n}", "topic": topic}} for n, topic in enumerate("xyx", 1)]
    job = story.create("opinions", template, rows, Label(), packaging=GroupByField("topic"))
    for name in ("ben", "cy"):
        story.label(name, job, _opinion)
    return job


def _opinion(work: WorkItem) -> dict[str, Any]:
    is_first = work.task.number == 1
    return {
        "1": Choice("bad" if is_first else "good"),
        **({"7": Text('too\nlong, "quoted"')} if is_first else {}),
        "2": Choices(["体育", "cars"] if is_first else ["cars"]),
        **({"3": Text("=SUM(A1)")} if is_first else {}),
        "4": Ranking(["b", "a"]),
        "5": Rating(3.5 if is_first else 4),
        "6": Preference(None) if is_first else Preference("b", 2),
    }


def talks(story: Story) -> Job:
    """Segments of recordings, in a job that is finished by hand while a package is open."""
    template = templates.audio_segmentation(["agent", "customer"])
    rows = [{"data": {"source": f"call{n}.wav"}} for n in (1, 2)]
    job = story.create("talks", template, rows, Label(lease=HOUR), packaging=PackageCount(2))
    title = template.questions[0].children[1].title
    parts = [
        Segment(0, 2.5, labels={"Audio recognition result": "hello", title: "agent"}),
        Segment(2.5, 4, labels={"Audio recognition result": "你好", title: "customer"}),
    ]
    story.label("eve", job, lambda _: Segments(parts, duration=12.5))
    held = story.claim("ben", job)
    story.next.renew(held)
    story.next.jobs.pause(job, by="ada")
    story.next.jobs.resume(job, by="ada")
    story.next.jobs.finish(job, by="ada", discard_open=True)
    return job


def imported(story: Story) -> Job:
    """A manifest of another system, read as a finished job."""
    element = {
        "questionId": "1",
        "data": "cat",
        "markTitle": "Single-choice",
        "type": "survey/value",
    }
    block = {"results": [element]}
    rows = [{"data": {"source": "1.jpg"}, "label-900": block}, {"data": {"source": "2.jpg"}}]
    template = story.next.templates.add(
        "street", templates.image_classification(["cat", "dog"]), name="pets", by="ada"
    )
    return story.next.jobs.import_results(
        "street", "imported", template=template, data=rows, of_job="900", by="ada"
    )


def endings(story: Story) -> None:
    """A job that is deleted, a job that is archived, and a member who leaves and is erased."""
    mistake = story.create(
        "mistake", templates.image_classification(["x"]), [{"data": {"source": "1"}}], Label()
    )
    story.next.jobs.add_workers(mistake, L, ["fay"], by="ada")
    held = story.claim("fay", mistake)
    story.next.save(held, 1, Choice("x"))
    story.next.members.remove("street", "fay", by="ada")
    story.next.jobs.archive(mistake, by="ada")
    story.next.jobs.delete(mistake, by="ada")
    story.next.jobs.archive("talks", by="ada")
    maintenance.erase_member(story.next, "street", "fay", by="ada")
