// "Assignment Available" and "My assignments" of one stage.

import { get, post } from "./api.js";
import { button, fill, h, say } from "./dom.js";

export const openWork = (assignment) => {
  location.hash = `#/work/${assignment.job}/${assignment.id}/0`;
};

export async function showList(main, stage, titles) {
  const { available, mine } = await get(`/work/${stage}`);
  fill(main, h("h1", {}, titles[stage]),
    h("h2", {}, "My assignments"),
    mine.length ? h("ul", { class: "cards", id: "mine" }, mine.map((each) => showMine(each, stage))) : h("p", { class: "empty" }, "You hold nothing here."),
    h("h2", {}, "Assignment Available"),
    available.length ? h("ul", { class: "cards", id: "available" }, available.map((job) => showAvailable(job, stage)))
      : h("p", { class: "empty", id: "nothing" }, "Nothing is available to you now."));
}

function showMine(assignment, stage) {
  const isOffered = assignment.state === "offered";
  const open = isOffered ? () => grab(assignment.job, stage, assignment.guideline, assignment.package) : async () => openWork(assignment);
  return h("li", {}, h("b", {}, assignment.job_name), h("span", {}, `package ${assignment.package}, round ${assignment.round}`),
    assignment.purpose === "label" || assignment.purpose === "review" ? null : h("span", { class: "tag" }, assignment.purpose.replace("_", " ")),
    assignment.lease_until && !isOffered ? h("span", {}, `yours until ${time(assignment.lease_until)}`) : null,
    button(isOffered ? "Take" : "Continue", open, { class: "continue" }));
}

function showAvailable(job, stage) {
  return h("li", { "data-job": job.name }, h("b", {}, job.name),
    h("span", {}, `${job.done} of ${job.total} tasks done`),
    job.due_at ? h("span", {}, `due ${time(job.due_at)}`) : null,
    job.guideline ? h("p", {}, job.guideline.slice(0, 200)) : null,
    job.explained ? h("p", { class: "hint" }, job.explained) : null,
    button("Grab", () => grab(job.id, stage, job.guideline), { class: "grab" }));
}

// The token makes a click that is sent twice one claim.
async function grab(job, stage, guideline, number) {
  const body = { token: crypto.randomUUID ? crypto.randomUUID() : String(Math.random()) };
  if (number) body.package = number;
  try {
    const { assignment, reason } = await claim(job, stage, body);
    if (assignment) openWork(assignment);
    else say(`Nothing to grab: ${reason}`, "bad");
  } catch (error) {
    if (!error.type.endsWith(":not-acknowledged")) throw error;
    await readGuideline(job, guideline, error);
    const { assignment, reason } = await claim(job, stage, body);
    if (assignment) openWork(assignment);
    else say(`Nothing to grab: ${reason}`, "bad");
  }
}

const claim = (job, stage, body) => post(`/jobs/${job}/claim/${stage}`, body);

function readGuideline(job, guideline, error) {
  return new Promise((resolve, reject) => {
    const dialog = h("dialog", {}, h("h2", {}, "Read the guideline first"), h("p", { class: "guideline" }, guideline),
      h("p", { class: "row" }, button("I have read it", async () => {
        await post(`/jobs/${job}/acknowledge`);
        dialog.remove();
        resolve();
      }, { id: "acknowledge" }), button("Cancel", () => close(), { class: "plain" })));
    const close = () => {
      dialog.remove();
      reject(error);
    };
    dialog.addEventListener("cancel", close);
    document.body.append(dialog);
    dialog.showModal();
  });
}

export const time = (text) => new Date(text).toLocaleString([], { dateStyle: "short", timeStyle: "short" });
