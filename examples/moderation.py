"""A moderation queue in a FastAPI app: people decide on the posts of which a model is not sure.

It needs ``pip install fastapi standardwebhooks 'itagflow[webhooks]'``.  ``docs/moderation.md``
explains it.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

import itagflow
from itagflow import Choice, Crew, ItagflowError, Job, Label, PreLabel, Role, Stage, Text, Workflow
from itagflow.delivery import Retries, Webhook, Worker
from itagflow.json import PROBLEM_MEDIA_TYPE, to_problem
from itagflow.schema import replies_to_json
from itagflow.templates import Option, Question, Template, View

Replies = dict[str, Choice | Text]
log = logging.getLogger(__name__)
STATES = {"approve": "published", "remove": "removed"}
TEMPLATE = Template(
    questions=(
        Question("1", "RADIO", "Decision", options=(Option("approve"), Option("remove"))),
        Question("2", "INPUT", "Reason"),
    ),
    views=(View("Text", "text"), View("Image", "image")),
)
# nobody has looked in time: the post is not shown
LATE: Replies = {"1": Choice("remove"), "2": Text("nobody has decided in time")}
TABLES = """
CREATE TABLE IF NOT EXISTS posts (
    id TEXT PRIMARY KEY, author TEXT NOT NULL, text TEXT NOT NULL, image TEXT NOT NULL,
    lang TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS webhooks (id TEXT PRIMARY KEY);
"""


@dataclass(frozen=True)
class Settings:
    """What differs between machines; tokens and the secret come from where you keep passwords."""

    store: str
    posts: Path
    url: str
    """Where this app is reached: webhooks are sent there."""
    secret: str
    users: dict[str, str]
    """Who has which token."""
    moderators: dict[str, str]
    languages: dict[str, tuple[str, ...]]
    """What each moderator reads."""
    experts: tuple[str, ...]
    minutes: float = 240
    tick_seconds: float = 60
    retry_seconds: float = 5


class NewPost(BaseModel):
    """What a user sends; a client that got no answer sends it again with the same id."""

    id: str = Field(min_length=1, max_length=100)
    text: str = Field(max_length=10_000)
    image: str = ""
    lang: str = Field(default="en", pattern="^[a-z]{2}$")


class Decision(BaseModel):
    """What a moderator says of a post."""

    decision: str = Field(pattern="^(approve|remove|escalate)$")
    reason: str = Field(min_length=1)


def classify(post: NewPost) -> float:
    """Return how likely a post must be removed; your model takes its place."""
    words = post.text.lower().split()
    bad = sum(word.strip(".,!?") in {"casino", "pills", "winner"} for word in words)
    suspect = 0.4 if post.image or post.lang != "en" else 0.0
    return min(suspect + 0.3 * bad, 1.0)


class Posts:
    """The posts of the product, in a SQLite file of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self.open() as database:
            database.executescript(TABLES)

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """Give a connection for one transaction."""
        database = sqlite3.connect(self.path, timeout=10)
        database.row_factory = sqlite3.Row
        try:
            with database:
                yield database
        finally:
            database.close()

    def get(self, id: str) -> dict[str, Any]:
        """Return a post."""
        with self.open() as database:
            row = database.execute("SELECT * FROM posts WHERE id = ?", (id,)).fetchone()
        if row is None:
            raise HTTPException(404, f"there is no post {id}")
        return dict(row)

    def add(self, post: NewPost, author: str, state: str) -> dict[str, Any]:
        """Store a post unless there is one with its id, and return what is stored."""
        row = (post.id, author, post.text, post.image, post.lang, state)
        with self.open() as database:
            sql = "INSERT INTO posts VALUES (?, ?, ?, ?, ?, ?, '') ON CONFLICT (id) DO NOTHING"
            database.execute(sql, row)
        return self.get(post.id)

    def delete(self, id: str) -> None:
        """Say that its author has deleted it."""
        with self.open() as database:
            database.execute("UPDATE posts SET state = 'deleted' WHERE id = ?", (id,))

    def decide(self, webhook: str, id: str, state: str, reason: str) -> None:
        """Apply a result once: in one transaction with the id of the webhook that brought it."""
        with self.open() as database:
            sql = "INSERT INTO webhooks VALUES (?) ON CONFLICT (id) DO NOTHING"
            if database.execute(sql, (webhook,)).rowcount == 0:
                return
            sql = "UPDATE posts SET state = ?, reason = ? WHERE id = ? AND state != 'deleted'"
            database.execute(sql, (state, reason, id))


class Queue:
    """The job, and the two threads beside the app: the scheduler and the delivery."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self.settings, self.clock = settings, clock
        self.flow = itagflow.open(settings.store, clock=clock)
        self.workspace = self.flow.workspaces.create("product", admin="app", exist_ok=True)
        for name in settings.moderators.values():
            self.flow.members.add(self.workspace, name, Role.OPERATOR, by="app", exist_ok=True)
            skills = {f"lang:{language}": 1 for language in settings.languages[name]}
            self.flow.members.set_skills(self.workspace, name, skills, by="app")
        self.job = self._open_job()
        webhook = Webhook(
            f"{settings.url}/decisions",
            secret=settings.secret,
            send="results",
            jobs=[self.job],
            retries=Retries(first=timedelta(seconds=settings.retry_seconds)),
        )
        self.worker = Worker(self.flow, {"product": webhook})
        self._stopped = Event()
        self._threads = [Thread(target=self.worker.run), Thread(target=self._tick)]

    def _open_job(self) -> Job:
        requires = itagflow.Field("lang", skill="lang:{}")
        lease = timedelta(minutes=15)  # who closes the page without an answer keeps it so long
        names = list(self.settings.moderators.values())
        labelers = [name for name in names if name not in self.settings.experts]
        experts = list(self.settings.experts)
        workforce: dict[Stage | Crew, list[str]] = {Stage.LABEL: labelers, Crew.EXPERTS: experts}
        return self.flow.jobs.create(
            self.workspace,
            "flagged",
            template=TEMPLATE,
            workflow=Workflow(Label(lease=lease, requires=requires, on_overdue=LATE)),
            packaging=itagflow.FixedSize(1),
            workforce=workforce,
            by="app",
            exist_ok=True,
        )

    def start(self) -> None:
        """Start the scheduler and the delivery."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End what runs, and close the store."""
        self._stopped.set()
        self.worker.stop()
        for thread in self._threads:
            thread.join(20)
        self.flow.close()

    def _tick(self) -> None:
        while not self._stopped.wait(self.settings.tick_seconds):
            try:
                self.flow.tick()
            except ItagflowError:  # such as a store that is away: the next tick does it
                log.exception("tick failed")

    def flag(self, post: dict[str, Any], score: float) -> None:
        """Ask people about a post; one that they are asked about already stays as it is."""
        guess = "remove" if score >= 0.5 else "approve"
        prediction: Replies = {"1": Choice(guess), "2": Text(f"the score is {score:.2f}")}
        self.flow.jobs.add(
            self.job,
            {"text": post["text"], "image": post["image"], "lang": post["lang"]},
            key=post["id"],
            priority=score,
            due=self.clock() + timedelta(minutes=self.settings.minutes),
            prediction=PreLabel(prediction, score=score, model="words"),
            by="app",
        )

    def withdraw(self, post: str) -> None:
        """Take a post out of the queue, if it is there."""
        # it is not, where the model was sure: nobody was asked
        self.flow.jobs.withdraw(
            self.job, keys=[post], ignore_missing=True, comment="deleted", by="app"
        )

    def give_next(self, account: str) -> dict[str, Any] | None:
        """Give a moderator what they hold already, or else the best that waits."""
        assignment = self.flow.claim(account, workspace=self.workspace, resume=True)
        if assignment is None:
            return None
        (item,) = self.flow.tasks(assignment, by=account)
        guess = item.prelabel.replies if item.prelabel else None
        # JavaScript cannot represent 64-bit integers: keys are sent as text
        return {
            "assignment": str(assignment.id),
            "post": item.task.row_key,
            "data": dict(item.data),
            "prediction": replies_to_json(guess) if guess else None,
            "escalated_because": item.comment,
        }

    def answer(self, account: str, assignment: int, said: Decision) -> None:
        """Hand in what a moderator says: a decision, or that an expert has to look."""
        ref = (self.job.id, assignment)
        (item,) = self.flow.tasks(ref, by=account)
        if said.decision == "escalate":
            self.flow.escalate(ref, item, comment=said.reason, by=account)
        else:
            replies: Replies = {"1": Choice(said.decision), "2": Text(said.reason)}
            self.flow.save(ref, item, replies, by=account)
        self.flow.submit(ref, by=account)


def find_account(accounts: dict[str, str], token: str) -> str:
    """Return whose token it is; the client never says who it is."""
    if token not in accounts:
        raise HTTPException(401, "no such token")
    return accounts[token]


def get_user(request: Request, token: Annotated[str, Header()] = "") -> str:
    """Return the user who sends a request."""
    return find_account(request.app.state.settings.users, token)


def get_moderator(request: Request, token: Annotated[str, Header()] = "") -> str:
    """Return the moderator who sends a request."""
    return find_account(request.app.state.settings.moderators, token)


User = Annotated[str, Depends(get_user)]
Moderator = Annotated[str, Depends(get_moderator)]


router = APIRouter()


@router.post("/posts")
def send_post(request: Request, post: NewPost, user: User) -> dict[str, Any]:
    """Publish or remove a post, or ask people; sent again it changes nothing."""
    score, state = classify(post), "waiting"
    if not 0.2 <= score <= 0.8:
        state = "published" if score < 0.2 else "removed"
    stored: dict[str, Any] = request.app.state.posts.add(post, user, state)
    if stored["author"] != user:
        raise HTTPException(409, "another post has this id")
    if stored["state"] == "waiting":
        # also when it is sent again: a crash may have come between the two databases
        request.app.state.queue.flag(stored, score)
        # its author may have deleted it meanwhile, before there was anything to withdraw
        if request.app.state.posts.get(post.id)["state"] == "deleted":
            request.app.state.queue.withdraw(post.id)
    return stored


@router.get("/posts/{post}")
def read_post(request: Request, post: str, user: User) -> dict[str, Any]:
    """Show a post that is published, or one's own."""
    stored: dict[str, Any] = request.app.state.posts.get(post)
    if stored["state"] != "published" and stored["author"] != user:
        raise HTTPException(404, f"there is no post {post}")
    return stored


@router.delete("/posts/{post}", status_code=204)
def delete_post(request: Request, post: str, user: User) -> None:
    """Delete one's own post, and take it out of the queue."""
    if request.app.state.posts.get(post)["author"] != user:
        raise HTTPException(403, "the post of another user")
    request.app.state.posts.delete(post)
    request.app.state.queue.withdraw(post)


@router.post("/next")
def claim_next(request: Request, moderator: Moderator) -> dict[str, Any] | None:
    """Give the moderator a post to decide on, or null."""
    queue: Queue = request.app.state.queue
    return queue.give_next(moderator)


@router.post("/answers/{assignment}", status_code=204)
def answer(request: Request, assignment: int, said: Decision, moderator: Moderator) -> None:
    """Take the decision of the moderator who holds the assignment."""
    request.app.state.queue.answer(moderator, assignment, said)


@router.get("/board", dependencies=[Depends(get_moderator)])
def show_board(request: Request) -> dict[str, Any]:
    """Show what waits, what is held and what is overdue."""
    queue: Queue = request.app.state.queue
    return queue.flow.jobs.queue(queue.job).to_dict()


@router.post("/decisions", status_code=204)
async def receive(request: Request) -> None:
    """Receive a result from the delivery worker."""
    try:
        # the body as it came: parsed and written again it would have another signature
        verifier = Verifier(request.app.state.settings.secret)
        result = verifier.verify(await request.body(), dict(request.headers))
    except WebhookVerificationError as error:
        raise HTTPException(401, "not signed by us") from error
    replies = result["replies"]
    state, reason = STATES[replies["1"]["key"]], replies["2"]["text"]
    decide = request.app.state.posts.decide
    await run_in_threadpool(decide, result["id"], result["row_key"], state, reason)


def refuse(_: Request, error: ItagflowError) -> Response:
    """Turn an error of itagflow into a response."""
    problem = to_problem(error)
    return JSONResponse(problem, problem["status"], media_type=PROBLEM_MEDIA_TYPE)


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def create_app(settings: Settings, clock: Callable[[], datetime] = now) -> FastAPI:
    """Make the application; tests give a clock that they can set."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.posts, app.state.queue = Posts(settings.posts), Queue(settings, clock)
        app.state.queue.start()
        try:
            yield
        finally:
            # in a thread: what is being delivered to this app must still be answered
            await run_in_threadpool(app.state.queue.stop)

    app = FastAPI(lifespan=lifespan)
    app.state.settings = settings
    app.add_exception_handler(ItagflowError, refuse)
    app.include_router(router)
    return app
