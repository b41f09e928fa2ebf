// What the keyboard does on the screen of an assignment.

import { h, say } from "./dom.js";

export function showKeys(isLabel) {
  const keys = [["1–9", "choose"], ["Ctrl Enter", "save and next"], ["[ and ]", "task before and after"], ["Delete", "remove what is marked"], ["Esc", "stop drawing"],
    ...(isLabel ? [] : [["r", "right"], ["w", "wrong"], ["m", "modify"]])];
  return h("details", { class: "hint" }, h("summary", {}, "Keys"), keys.map(([key, what]) => h("p", {}, h("kbd", {}, key), ` ${what}`)));
}

export function pressKey(event, screen) {
  if (document.querySelector("dialog")) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    document.getElementById("save")?.click();
    return event.preventDefault();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
  if (event.key === "[") return screen.go(screen.at - 1);
  if (event.key === "]") return screen.go(screen.at + 1);
  const isButton = event.target.tagName === "BUTTON";
  for (const ui of Object.values(screen.work?.ui || {})) {
    if (ui.keys && !(isButton && event.key === "Enter") && ui.keys(event.key) !== false) return event.preventDefault();
  }
  const review = { r: "right", w: "wrong", m: "modify" }[event.key];
  const isModifying = screen.work?.isModifying;
  if (!screen.isLabel && review && !isModifying) return document.getElementById(review)?.click();
  if (screen.isLabel || isModifying) choose(event, screen);
}

// The key of an option chooses it; a number chooses in the first question that has no reply yet, or
// else in the last one.
function choose(event, screen) {
  if (!screen.rules.is_held) return;
  const choosers = screen.choosers || [];
  for (const { options, choose } of choosers) {
    const found = options.find((option) => option.shortcut && option.shortcut === event.key && !/^\d$/.test(event.key));
    if (found) return choose(found.key);
  }
  if (!/^\d$/.test(event.key) || !choosers.length) return;
  const open = choosers.find(({ question }) => !screen.work.replies[question.id]) || choosers.at(-1);
  const found = open.options.find((option) => option.shortcut === event.key) || open.options[Number(event.key) - 1];
  if (found) open.choose(found.key);
  else say(`There is no option ${event.key}.`, "bad");
}
