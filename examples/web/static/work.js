// The screen of one assignment: to label, to inspect or to accept.

import { Refusal, get, post, put } from "./api.js";
import { ask, button, clear, fill, h, keepFocus, say } from "./dom.js";
import { describeReply, prune, showQuestion, startReplies, MARKING } from "./questions.js";
import { showThreads } from "./comments.js";
import { pressKey, showKeys } from "./keys.js";
import { time } from "./lists.js";

const RENEW_EVERY = 60_000;
const DRAFT_AFTER = 700;

export async function showWork(main, job, assignment, at) {
  const path = `/jobs/${job}/assignments/${assignment}`;
  const screen = new Screen(main, path, await get(path));
  screen.show(Number(at) || 0);
  return () => screen.leave();
}

// Where the replies of a task come from when it is opened, the newest first.
function firstReplies(item, template) {
  const sources = [item.draft, item.answer, item.submitted, item.previous, item.prelabel];
  const found = sources.find((answer) => answer?.replies);
  return found ? structuredClone(found.replies) : startReplies(template.questions, item.task.data);
}

// Whether an answer settles its task: who restores what was abandoned may have saved nothing before.
const isSettled = (answer) => Boolean(answer && (answer.replies || answer.abandon_reason !== null || answer.escalation_reason !== null));

export const nameOf = (answer) => answer.labeler || answer.member?.account || "the votes";

class Screen {
  constructor(main, path, shown) {
    Object.assign(this, { main, path, at: 0, sending: Promise.resolve() });
    this.take(shown);
    this.renewing = setInterval(() => this.renew(), RENEW_EVERY);
    this.onKey = (event) => pressKey(event, this);
    this.onHide = () => this.sendDraft({ keepalive: true });
    document.addEventListener("keydown", this.onKey);
    window.addEventListener("pagehide", this.onHide);
  }

  take(shown) {
    Object.assign(this, shown);
    this.stage = this.assignment.stage;
    this.isLabel = this.stage === "label";
    this.works = this.items.map((item) => ({ item, replies: firstReplies(item, this.template), ui: {}, isDirty: false, isModifying: false }));
  }

  get work() {
    return this.works[this.at];
  }

  async leave() {
    clearInterval(this.renewing);
    document.removeEventListener("keydown", this.onKey);
    window.removeEventListener("pagehide", this.onHide);
    await this.sendDraft();
  }

  // Requests about one assignment are sent one after another, in the order of the clicks.
  send(request) {
    const sent = this.sending.then(request);
    this.sending = sent.catch(() => {});
    return sent;
  }

  async renew() {
    if (document.visibilityState !== "visible" || !this.rules.is_held) return;
    try {
      this.assignment = await post(`${this.path}/renew`);
    } catch (error) {
      say(error.message, "bad");
    }
  }

  task(suffix = "", work = this.work) {
    return `${this.path}/tasks/${work.item.task.number}${suffix}`;
  }

  // How long the person has been on this task since it was last told.
  seconds() {
    const now = Date.now();
    const passed = (now - (this.started || now)) / 1000;
    this.started = now;
    return Math.min(passed, 3600);
  }

  go(at) {
    this.sendDraft().finally(() => this.show(Math.min(Math.max(at, 0), this.works.length - 1)));
  }

  show(at) {
    this.at = Math.min(at, Math.max(this.works.length - 1, 0));
    this.started = Date.now();
    // so that a reload shows the same task, without leaving the page
    history.replaceState(null, "", `#/work/${this.assignment.job}/${this.assignment.id}/${this.at}`);
    this.draw();
  }

  // Replies that the person changes; a draft of them is saved a moment later.
  change(question, reply, { isQuiet = false, isFirst = false } = {}) {
    const work = this.work;
    if (reply === null) delete work.replies[question.id];
    else work.replies[question.id] = reply;
    if (isFirst) return;
    work.isDirty = true;
    if (this.isLabel) {
      clearTimeout(this.drafting);
      this.drafting = setTimeout(() => this.sendDraft(), DRAFT_AFTER);
    }
    this.tell("changed");
    if (!isQuiet) this.draw();
  }

  tell(text) {
    const node = document.getElementById("saved");
    if (node) node.textContent = text;
  }

  async sendDraft(options) {
    clearTimeout(this.drafting);
    const work = this.work;
    if (!work?.isDirty || !this.isLabel || !this.rules.is_held) return;
    const body = { replies: this.repliesOf(work), draft: true, expected_version: work.item.version };
    work.isDirty = false;
    try {
      work.item.draft = await this.send(() => put(this.task("", work), body, options));
      if (work === this.work) this.tell("draft saved");
    } catch (error) {
      work.isDirty = true;
      if (work === this.work) this.tell(`not saved: ${error.message}`);
    }
  }

  repliesOf(work) {
    return prune(this.template.questions, work.replies);
  }

  async save({ isLast = false } = {}) {
    clearTimeout(this.drafting);
    const work = this.work;
    const body = { replies: this.repliesOf(work), expected_version: work.item.version, seconds: this.seconds() };
    work.isDirty = false;
    try {
      this.took(work, await this.send(() => put(this.task("", work), body)));
    } catch (error) {
      work.isDirty = true;
      throw error.status === 412 ? await this.meetOther(work) : error;
    }
    work.isModifying = false;
    if (isLast) return;
    clear();
    this.next();
  }

  // What is stored was changed meanwhile, such as in another window: what is here is kept.
  async meetOther(work) {
    const shown = await get(this.path);
    const item = shown.items.find((each) => each.task.number === work.item.task.number);
    Object.assign(work.item, { version: item.version, answer: item.answer });
    return new Refusal(412, { detail: "This answer was changed in another window. Save again to replace it, or load the page again to see it." });
  }

  took(work, answer) {
    work.item.answer = answer;
    work.item.version = answer.version + 1;
    work.item.draft = null;
    work.replies = answer.replies ? structuredClone(answer.replies) : work.replies;
  }

  next() {
    const isOpen = (work) => !isSettled(work.item.answer) && !work.item.answer?.verdict;
    const order = [...this.works.keys()];
    const open = [...order.slice(this.at + 1), ...order.slice(0, this.at)].find((at) => isOpen(this.works[at]));
    this.show(open ?? Math.min(this.at + 1, this.works.length - 1));
  }

  async abandon() {
    const reasons = this.template.abandon_reasons || [];
    const why = await ask("Why can this not be answered?", { label: "Reason in your own words", reasons, isRequired: true, confirm: "Abandon" });
    if (!why) return;
    const body = { reason: why.reason || why.text, expected_version: this.work.item.version };
    this.took(this.work, await this.send(() => post(this.task("/abandon"), body)));
    this.next();
  }

  async restore() {
    const answer = await this.send(() => post(this.task("/restore")));
    this.took(this.work, answer);
    this.draw();
  }

  async escalate() {
    const why = await ask("What should the expert know?", { confirm: "Hand on" });
    if (!why) return;
    this.took(this.work, await this.send(() => post(this.task("/escalate"), { comment: why.text })));
    this.next();
  }

  async judge(isWrong) {
    const work = this.work;
    const body = { expected_version: work.item.version, seconds: this.seconds() };
    if (isWrong) {
      const why = await ask("What is wrong?", { reasons: this.rules.reasons, isRequired: true, confirm: "Judge wrong" });
      if (!why) return;
      Object.assign(body, { wrong: why.text, reason: why.reason, discard_modification: true });
    }
    this.took(work, await this.send(() => post(this.task("/judge"), body)));
    if (isWrong) work.replies = firstReplies({ ...work.item, answer: null }, this.template);
    work.isModifying = false;
    this.next();
  }

  modify() {
    this.work.isModifying = true;
    this.draw();
  }

  // At inspection a vote is taken over as the reviewer's own answer; who decides picks it.
  async takeVote(vote) {
    const work = this.work;
    const how = this.isLabel ? { pick: vote.assignment } : { replies: vote.replies };
    const body = { ...how, expected_version: work.item.version, seconds: this.seconds() };
    this.took(work, await this.send(() => put(this.task(), body)));
    this.next();
  }

  async end(verb, body = {}) {
    if (verb === "submit" && this.work?.isDirty) await this.save({ isLast: true });
    await this.send(() => post(`${this.path}/${verb}`, { seconds: this.seconds(), ...body }));
    this.rules.is_held = false;
    location.hash = `#/${this.stage}`;
    say({ submit: "Submitted.", review: "Passed.", accept: "Accepted.", reject: "Sent back.", release: "Given back." }[verb]);
  }

  async reject() {
    const isJudged = this.works.some((work) => work.item.answer?.verdict === "wrong");
    const title = isJudged ? "Send back what is judged wrong" : "Send back the whole package";
    const why = await ask(title, { label: "Comment on the package", reasons: isJudged ? [] : this.rules.reasons, isRequired: !isJudged, confirm: "Reject" });
    if (!why) return;
    await this.end("reject", { comment: why.text, reason: why.reason, whole: !isJudged });
  }

  draw() {
    keepFocus(this.main, () => this.drawAll());
  }

  drawAll() {
    const { job, assignment } = this;
    const place = `package ${assignment.package}, round ${assignment.round}`;
    fill(this.main,
      h("h1", {}, job.name, " ", h("span", { class: "hint" }, `${place}, task ${this.at + 1} of ${this.works.length}`)),
      job.guideline ? h("details", { open: !this.read, ontoggle: (event) => { this.read = !event.target.open; } }, h("summary", {}, "Guideline"), h("p", {}, job.guideline)) : null,
      this.rules.is_held ? null : h("p", { class: "sent-back" }, "You do not hold this any more: it is shown as it was."),
      assignment.lease_until && this.rules.is_held ? h("p", { class: "hint" }, `Yours until ${time(assignment.lease_until)}, and longer while this page is open.`) : null,
      this.works.length ? [this.showSteps(), this.showTask()] : h("p", {}, "There is nothing left to do in this package."),
      this.showEnd());
  }

  showSteps() {
    return h("ol", { class: "steps" }, this.works.map(({ item }, at) => {
      const { answer } = item;
      const state = stateOf(answer, item.draft);
      return h("li", {}, h("button", { type: "button", class: `${state} ${at === this.at ? "now" : ""}`, "aria-label": `task ${at + 1} ${state}`, onclick: () => this.go(at) }, String(at + 1)));
    }));
  }

  showTask() {
    const { work, template } = this;
    const { item } = work;
    const isReadOnly = !this.rules.is_held || (!this.isLabel && !work.isModifying);
    this.choosers = [];
    const context = { data: item.task.data, order: item.order || {}, views: allViews(template.views), isReadOnly, ui: work.ui, choosers: this.choosers,
      get: (question) => work.replies[question.id], set: (question, reply, options) => this.change(question, reply, options),
      refresh: () => work === this.work && this.draw() };
    const isMarking = (question) => MARKING[question.kind];
    const marking = template.questions.filter(isMarking);
    return h("div", { class: "split" },
      h("div", {}, showViews(template, context), marking.map((question) => h("div", { class: "panel" }, showQuestion(question, context)))),
      h("div", { class: "panel" }, this.showBefore(item),
        template.questions.filter((question) => !isMarking(question)).map((question) => showQuestion(question, context)),
        this.showActions(item), this.showVotes(item, context), showThreads(this, item), showKeys(this.isLabel)));
  }

  showBefore(item) {
    const { answer } = item;
    const notes = [item.package_comment && `Package: ${item.package_comment}`, item.comment && `This task: ${item.comment}`, item.reason && `Reason: ${item.reason}`].filter(Boolean);
    const isSentBack = this.isLabel && notes.length;
    const by = item.submitted && !this.isLabel ? `Labeled by ${nameOf(item.submitted)}` : "";
    return [
      isSentBack ? h("div", { class: "sent-back", id: "sent-back" }, h("b", {}, "Sent back. "), notes.join(" · ")) : null,
      !answer && !item.draft && item.prelabel && this.isLabel ? h("p", { class: "hint" }, `Suggested by ${item.prelabel.model || "a model"}: check it and save.`) : null,
      by ? h("p", { class: "hint" }, by, item.submitted.disputed.length ? h("b", {}, " – disputed: modify it, or take over a vote") : null) : null,
      item.submitted?.abandon_reason ? h("p", { class: "sent-back" }, `Abandoned: ${item.submitted.abandon_reason}`) : null,
      answer?.abandon_reason ? h("p", { class: "sent-back" }, `You abandoned it: ${answer.abandon_reason}`) : null,
      answer?.escalation_reason ? h("p", { class: "sent-back" }, "Handed to the experts.") : null,
      answer?.verdict ? h("p", { class: "hint", id: "verdict" }, `You judged it ${answer.verdict}${answer.reason ? ` (${answer.reason})` : ""}${answer.comment ? `: ${answer.comment}` : ""}`) : null,
      !this.isLabel && answer?.replies ? h("p", { class: "hint", id: "modified" }, "Shown is your own answer.") : null,
    ];
  }

  showActions(item) {
    if (!this.rules.is_held) return null;
    const { work } = this;
    const isGone = Boolean(item.answer?.abandon_reason);
    const isJudged = (verdict) => item.answer?.verdict === verdict;
    const buttons = this.isLabel || work.isModifying
      ? [button(work.isModifying ? "Save my answer" : "Save and next", () => this.save(), { id: "save" }),
        work.isModifying ? button("Cancel", async () => { work.isModifying = false; work.replies = firstReplies(item, this.template); this.draw(); }, { class: "plain" }) : null,
        this.isLabel && !isGone ? button("Abandon…", () => this.abandon(), { class: "plain", id: "abandon" }) : null,
        this.rules.can_escalate && this.isLabel ? button("Ask an expert…", () => this.escalate(), { class: "plain", id: "escalate" }) : null]
      : [button(isJudged("right") ? "Right ✓" : "Right", () => this.judge(false), { id: "right", "aria-pressed": String(isJudged("right")) }),
        button(isJudged("wrong") ? "Wrong ✓…" : "Wrong…", () => this.judge(true), { id: "wrong", class: "bad", "aria-pressed": String(isJudged("wrong")) }),
        button("Modify", async () => this.modify(), { id: "modify", class: "plain" })];
    return h("div", { class: "row actions" }, buttons, isGone ? button("Restore", () => this.restore(), { class: "plain", id: "restore" }) : null, h("span", { class: "hint", id: "saved", role: "status" }, item.draft ? "draft saved" : ""));
  }

  showVotes(item, context) {
    if (!item.votes?.length) return null;
    const questions = listQuestions(this.template.questions);
    const describe = (question, reply) => (reply ? `${question.title}: ${describeReply(question, reply, context)}` : null);
    const lines = (vote) => (vote.abandon_reason !== null ? [`abandoned: ${vote.abandon_reason}`] : questions.map((question) => describe(question, vote.replies?.[question.id])).filter(Boolean));
    return h("div", { class: "votes" }, h("h3", {}, "Votes"), item.votes.map((vote) =>
      h("div", { class: "row" }, h("p", {}, h("b", {}, nameOf(vote)), " ", lines(vote).join(" · ")),
        vote.replies && this.rules.is_held ? button("Take over", () => this.takeVote(vote), { class: "plain take" }) : null)));
  }

  showEnd() {
    if (!this.rules.is_held) return h("p", {}, h("a", { href: `#/${this.stage}` }, "Back"));
    const back = button("Give back", () => this.end("release", { reason: "" }), { class: "plain", id: "release" });
    if (this.isLabel) {
      return h("div", { class: "row panel" }, button("Submit package", () => this.end("submit"), { id: "submit" }),
        this.rules.can_hand_in_part ? button("Hand in what is done", () => this.end("submit", { rest: "release" }), { class: "plain", id: "part" }) : null, back);
    }
    const [verb, title] = this.stage === "inspect" ? ["review", "Pass package"] : ["accept", "Accept package"];
    return h("div", { class: "row panel" }, button(title, () => this.end(verb), { id: verb }), button("Reject package…", () => this.reject(), { class: "bad", id: "reject" }), back);
  }
}

function stateOf(answer, draft) {
  if (answer?.verdict === "wrong") return "wrong";
  if (answer && answer.abandon_reason !== null) return "gone";
  if (isSettled(answer) || answer?.verdict) return "done";
  return draft ? "draft" : "";
}

const listQuestions = (questions) => questions.flatMap((question) => [question, ...(["RADIO", "CHECKBOX"].includes(question.kind) ? listQuestions(question.children || []) : [])]);
const allViews = (views = []) => views.flatMap((view) => [view, ...allViews(view.views)]);

// Views whose field is marked in a question are shown there; options that are compared come in the
// order of this person.
function showViews(template, context) {
  const marked = new Set(template.questions.filter((question) => MARKING[question.kind]).map((question) => question.field));
  const order = template.questions.map((question) => context.order[question.id]).find(Boolean) || [];
  const views = context.views.filter((view) => !marked.has(view.field));
  const compared = views.filter((view) => order.includes(view.field)).sort((a, b) => order.indexOf(a.field) - order.indexOf(b.field));
  const sorted = views.map((view) => (order.includes(view.field) ? compared.shift() : view));
  let count = 0;
  return sorted.map((view) => {
    const number = order.includes(view.field) ? ` ${(count += 1)}` : "";
    return h("div", { class: "panel view", "data-field": view.field }, view.title ? h("h3", {}, view.title, number) : null, showView(view, context.data[view.field]));
  });
}

function showView({ kind, title, field }, content) {
  if (content === undefined || content === null) return h("p", { class: "hint" }, "There is nothing to show.");
  if (kind === "Image") return h("img", { src: String(content), alt: title || field });
  if (kind === "Audio") return h("audio", { src: String(content), controls: true });
  if (kind === "Video") return h("video", { src: String(content), controls: true });
  return h("pre", {}, typeof content === "string" ? content : JSON.stringify(content, null, 2));
}
