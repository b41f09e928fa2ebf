// What regions, spans and segments have in common: the list of what is marked, and the questions
// about each of it.

import { h } from "./dom.js";
import { showQuestion } from "./questions.js";

const COLORS = ["#d64541", "#1559c7", "#2e7d32", "#8e24aa", "#b26a00", "#00838f", "#5d4037", "#c2185b"];

// Answers about a part are kept by the title of their question.
export function labelsOf(part, questions) {
  if (part.labels) return part.labels;
  return part.label && questions.length ? { [questions[0].title]: questions[0].kind === "CHECKBOX" ? [part.label] : part.label } : {};
}

export function nameOf(part, questions) {
  const values = Object.values(labelsOf(part, questions)).flat();
  return values.length ? values.join(", ") : "no label";
}

export function colorOf(part, questions) {
  const labels = labelsOf(part, questions);
  for (const question of questions) {
    const key = [labels[question.title]].flat()[0];
    const at = (question.options || []).findIndex((option) => option.key === key);
    if (at >= 0) return question.options[at].color || COLORS[at % COLORS.length];
  }
  return "#5a6577";
}

// New parts begin with what was chosen for the last one, or with the first options there are.
export function firstLabels(ui, questions) {
  const labels = {};
  for (const question of questions) {
    const last = ui.lastLabels?.[question.title];
    const first = question.required && question.options?.[0].key;
    if (question.kind === "RADIO" && (last || first)) labels[question.title] = last || first;
    if (question.kind === "CHECKBOX" && (last || first)) labels[question.title] = last || [first];
  }
  return Object.keys(labels).length ? { labels } : {};
}

// A context in which the questions about one part read and change its labels.
export function partContext(context, part, questions, change) {
  return {
    ...context,
    order: {},
    get(question) {
      const value = labelsOf(part, questions)[question.title];
      if (value === undefined) return undefined;
      if (question.kind === "RADIO") return { kind: "choice", key: value };
      return question.kind === "CHECKBOX" ? { kind: "choices", keys: [value].flat() } : { kind: "text", text: value };
    },
    set(question, reply, options) {
      const labels = { ...labelsOf(part, questions) };
      if (reply === null) delete labels[question.title];
      else labels[question.title] = reply.key ?? reply.keys ?? reply.text;
      const { label, ...rest } = part;
      const changed = { ...rest, labels };
      if (!Object.keys(labels).length) delete changed.labels;
      change(changed, options);
      part = changed;
    },
  };
}

// The list of parts, and the questions about the one that is chosen.
export function listParts({ parts, questions, ui, context, describe, change, remove, more = () => null }) {
  const chosen = parts[ui.chosen];
  return [
    chosen ? questions.map((question) => showQuestion(question, partContext(context, chosen, questions, (part, options) => {
      ui.lastLabels = part.labels;
      change(ui.chosen, part, options);
    }))) : null,
    h("ol", { class: "parts" }, parts.map((part, at) =>
      h("li", { class: at === ui.chosen ? "chosen" : "", onclick: () => {
        ui.chosen = at;
        context.refresh();
      } },
      h("span", { class: "swatch", style: { background: colorOf(part, questions) } }),
      // a button, so that the keyboard can choose it as well
      h("button", { type: "button", class: "name", "data-part": at, "aria-pressed": String(at === ui.chosen) }, `${at + 1}. ${nameOf(part, questions)} `, h("span", { class: "hint" }, describe(part))),
      more(part, at),
      context.isReadOnly ? null : h("button", { type: "button", class: "plain", "aria-label": `delete ${at + 1}`, onclick: (event) => {
        event.stopPropagation();
        remove(at);
      } }, "×")))),
  ];
}
