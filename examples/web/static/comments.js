// What people say to each other about a task.

import { post } from "./api.js";
import { ask, button, h } from "./dom.js";
import { time } from "./lists.js";
import { nameOf } from "./work.js";

export function showThreads(screen, item) {
  const path = `/jobs/${item.task.job}/tasks/${item.task.number}/comments`;
  const take = (threads) => {
    item.comments = threads;
    screen.draw();
  };
  const write = async (thread) => {
    const said = await ask("Say something about this task", { isRequired: true, confirm: "Send" });
    if (said) take(await post(path, { text: said.text, thread }));
  };
  return h("div", { id: "comments" }, h("h3", {}, "Comments"),
    (item.comments || []).map((thread) => h("div", { class: thread.is_resolved ? "thread closed" : "thread" },
      thread.comments.map((each) => h("p", {}, h("b", {}, nameOf(each)), " ", h("span", { class: "hint" }, time(each.at)), " ", each.text || each.action)),
      h("div", { class: "row" }, button("Answer", () => write(thread.id), { class: "plain" }),
        thread.is_resolved ? null : button("Resolve", async () => take(await post(`${path}/${thread.id}/resolve`)), { class: "plain" })))),
    button("Comment…", () => write(), { class: "plain", id: "comment" }));
}
