// The page of those who order the work.

import { get, post } from "./api.js";
import { button, fill, h, say } from "./dom.js";
import { time } from "./lists.js";

const CREWS = { label: "labels", inspect: "inspects", accept: "accepts" };
const RECORDING = /\.(wav|mp3|ogg|mp4|webm)$/i;

export async function showBoard(main) {
  const [jobs, choices] = await Promise.all([get("/manage/jobs"), get("/manage/choices")]);
  fill(main, h("h1", {}, "Management"),
    h("div", { class: "table panel" }, h("table", { id: "jobs" },
      h("tr", {}, ["Job", "State", "Done", "To do again", "Disputed", "Abandoned"].map((title) => h("th", {}, title))),
      jobs.map(({ job, progress, may_open: isLink }) => h("tr", {}, h("td", {}, isLink ? h("a", { href: `#/manage/${job.id}` }, job.name) : job.name), h("td", {}, job.state),
        h("td", {}, h("progress", { max: progress.total || 1, value: progress.done }), ` ${progress.done} of ${progress.total}`),
        [progress.wrong, progress.disputed, progress.abandoned].map((count) => h("td", {}, String(count))))))),
    choices.may_create ? showForm(choices) : null);
}

function showForm({ starters, files, members }) {
  const name = h("input", { id: "new-name", maxlength: 100 });
  const starter = h("select", { id: "new-starter" }, starters.map((each) => h("option", { value: each }, each)));
  const labels = h("input", { id: "new-labels", placeholder: "cat, dog" });
  const rows = h("textarea", { id: "new-rows", rows: 6 });
  const guideline = h("textarea", { id: "new-guideline", rows: 2 });
  const size = h("input", { id: "new-size", type: "number", min: 1, value: 10 });
  const votes = h("input", { id: "new-votes", type: "number", min: 1, value: 1 });
  const share = h("input", { id: "new-share", type: "number", min: 0, max: 100, value: 100 });
  const accept = h("input", { id: "new-accept", type: "checkbox", checked: true });
  const crews = Object.fromEntries(Object.keys(CREWS).map((stage) => [stage, members.map((account) => h("input", { type: "checkbox", value: account, id: `new-${stage}-${account}` }))]));
  // images for what is asked about images, and recordings for what is asked about recordings
  const fitting = () => files.filter((file) => RECORDING.test(file) === starter.value.startsWith("audio"));
  const create = async () => {
    const workforce = {};
    for (const [stage, boxes] of Object.entries(crews)) {
      const isUsed = stage === "label" || (stage === "inspect" ? Number(share.value) > 0 : accept.checked);
      if (!isUsed) continue;
      workforce[stage] = boxes.filter((box) => box.checked).map((box) => box.value);
      if (!workforce[stage].length) throw new Error(`Choose who ${CREWS[stage]}: at least one person.`);
    }
    const list = (text, sign) => text.split(sign).map((each) => each.trim()).filter(Boolean);
    const job = await post("/manage/jobs", { name: name.value, starter: starter.value, labels: list(labels.value, ","), rows: list(rows.value, "\n"), guideline: guideline.value,
      package_size: Number(size.value), votes: Number(votes.value), inspect_share: Number(share.value) / 100, accept: accept.checked, workforce });
    location.hash = `#/manage/${job.id}`;
    say("The job is published.");
  };
  return h("details", { class: "panel", id: "new-job" }, h("summary", {}, "New job"),
    h("label", {}, "Name", name), h("label", {}, "What is asked", starter), h("label", {}, "Labels, with commas between them", labels),
    h("label", {}, "Data, one text or file a line", rows), files.length ? button("Put in all files", async () => { rows.value = fitting().join("\n"); }, { class: "plain", id: "new-files" }) : null,
    h("label", {}, "Guideline", guideline), h("label", {}, "Tasks in a package", size), h("label", {}, "People who label each task", votes),
    h("label", {}, "Percent of the tasks that are inspected; 0 for no inspection", share), h("label", {}, accept, " Packages are accepted at the end"),
    Object.entries(crews).map(([stage, boxes]) => h("fieldset", {}, h("legend", {}, `Who ${CREWS[stage]}`), h("div", { class: "options" }, boxes.map((box) => h("label", {}, box, " ", box.value))))),
    h("p", { class: "hint" }, "Nobody inspects or accepts what they labeled themselves, so choose different people."),
    button("Publish", create, { id: "new-publish" }));
}

export async function showJob(main, id) {
  const [{ job, progress, summary, queue, blocked, members }, { formats }] = await Promise.all([get(`/manage/jobs/${id}`), get("/manage/choices")]);
  const again = () => showJob(main, id);
  const step = (verb) => button(verb[0].toUpperCase() + verb.slice(1), async () => {
    await post(`/manage/jobs/${id}/${verb}`);
    await again();
  }, { class: "plain", id: verb });
  const format = h("select", { id: "format", "aria-label": "format" }, formats.map((each) => h("option", { value: each }, each)));
  fill(main, h("p", {}, h("a", { href: "#/manage" }, "All jobs")), h("h1", {}, job.name, " ", h("span", { class: "tag" }, job.state)),
    h("p", {}, h("progress", { max: progress.total || 1, value: progress.done }), ` ${summary}`),
    h("div", { class: "row" }, job.state === "running" ? step("pause") : null, job.state === "paused" ? step("resume") : null, ["running", "paused"].includes(job.state) ? step("finish") : null,
      button("Reload", again, { class: "plain" }), format, button("Export", () => download(id, format.value), { id: "export" })),
    h("h2", {}, "Queue"), h("div", { class: "table panel" }, h("table", {},
      h("tr", {}, ["Stage", "Waiting", "Held", "Offered", "Overdue", "Waits longest since"].map((title) => h("th", {}, title))),
      Object.entries(queue.stages).map(([stage, at]) => h("tr", {}, [stage, at.waiting, at.held, at.offered, at.overdue].map((cell) => h("td", {}, String(cell))), h("td", {}, at.oldest_waiting_since ? time(at.oldest_waiting_since) : ""))))),
    h("h2", {}, "Why nothing moves"),
    blocked.length ? h("ul", { id: "blocked" }, blocked.map((each) => h("li", {}, `Package ${each.package} at ${each.stage}: ${each.reason}`))) : h("p", { id: "moves" }, "No package is stuck: somebody can go on with each."),
    h("h2", {}, "Members"), h("div", { class: "table panel" }, h("table", { id: "members" },
      h("tr", {}, ["Member", "Role", "Has now", "What they would get"].map((title) => h("th", {}, title))),
      members.map((member) => h("tr", {}, h("td", {}, member.account), h("td", {}, member.role),
        h("td", {}, member.assignments.map((each) => h("div", { class: "row" }, `package ${each.package} at ${each.stage}, ${each.state}`, button("Take back", async () => {
          await post(`/jobs/${id}/assignments/${each.id}/release`, { comment: "taken back by the management" });
          await again();
        }, { class: "plain" })))),
        h("td", {}, Object.entries(member.explained).map(([stage, why]) => h("div", {}, h("b", {}, `${stage}: `), why))))))));
}

// The token of the session is sent as a header, which a plain link cannot do.
async function download(id, format) {
  const response = await post(`/manage/jobs/${id}/export/${format}`);
  const name = /filename="([^"]+)"/.exec(response.headers.get("content-disposition"))[1];
  const link = h("a", { href: URL.createObjectURL(await response.blob()), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  say(`Exported to ${name}.`);
}
