// A screen for every kind of question, made from what template.describe() says of it.
//
// The context of questions: get(question) and set(question, reply, options) read and change the
// replies, `data` is the row, `order` the order of shuffled options, `views` those of the template,
// `isReadOnly`, `ui` what a screen remembers by question, `choosers` what the number keys choose,
// and `refresh()` draws again.

import { h } from "./dom.js";
import { regionEditor } from "./regions.js";
import { segmentEditor } from "./segments.js";
import { spanEditor } from "./spans.js";

export const MARKING = { PICTURE: regionEditor, SLOT: spanEditor, VIDEO: segmentEditor };
const COMPARING = ["RANKING", "PREFERENCE"];
const SHOWN = { RADIO: showRadio, CHECKBOX: showCheckbox, INPUT: showText, OPEN_ENDED: showText,
  TEXT_EDIT: showText, RANKING: showRanking, RATING: showRating, PREFERENCE: showPreference };

export function showQuestion(question, context) {
  const show = MARKING[question.kind] || SHOWN[question.kind];
  const hint = countHint(question);
  return h("fieldset", { "data-question": question.id, "data-kind": question.kind },
    h("legend", {}, question.title, question.required ? " *" : "", hint ? h("span", { class: "hint" }, ` ${hint}`) : null),
    show(question, context),
    dependents(question, context.get(question)).map((child) => showQuestion(child, context)));
}

function countHint({ min_count: least, max_count: most }) {
  if (least && most) return `${least} to ${most}`;
  if (most) return `at most ${most}`;
  return least ? `at least ${least}` : "";
}

// The questions that are asked because an option of this one is chosen.
export function dependents(question, reply) {
  if (!["RADIO", "CHECKBOX"].includes(question.kind) || !reply) return [];
  const chosen = reply.keys || [reply.key];
  if (!chosen.length) return [];
  return (question.children || []).filter((child) => !child.when || child.when.some((key) => chosen.includes(key)));
}

// Replies to questions that are not asked any more are left out of what is sent.
export function prune(questions, replies) {
  const kept = {};
  const keep = (question) => {
    const reply = replies[question.id];
    if (reply === undefined) return;
    kept[question.id] = reply;
    dependents(question, reply).forEach(keep);
  };
  questions.forEach(keep);
  return kept;
}

// What is there before anybody has answered: the defaults, and the text that is to be corrected.
export function startReplies(questions, data) {
  const replies = {};
  for (const question of questions) {
    const given = question.default;
    if (question.kind === "TEXT_EDIT") replies[question.id] = { kind: "text", text: String(data[question.field] ?? "") };
    else if (given === undefined) continue;
    else if (question.kind === "RADIO") replies[question.id] = { kind: "choice", key: given };
    else if (question.kind === "CHECKBOX") replies[question.id] = { kind: "choices", keys: [given].flat() };
    else replies[question.id] = { kind: "text", text: given };
    for (const child of dependents(question, replies[question.id])) Object.assign(replies, startReplies([child], data));
  }
  return replies;
}

function flatten(options = [], depth = 0) {
  return options.flatMap((option) => [{ ...option, depth }, ...flatten(option.children, depth + 1)]);
}

// Shuffled options are shown in the order of this person; their names must not tell which is which.
function listOptions(question, context) {
  const options = flatten(question.options);
  const order = context.order[question.id];
  if (order) options.sort((a, b) => order.indexOf(a.key) - order.indexOf(b.key));
  if (!COMPARING.includes(question.kind)) return options;
  return options.map((option, at) => {
    const view = context.views.find((each) => each.field === option.key);
    return view && option.label === option.key ? { ...option, label: `${view.title || "Option"} ${at + 1}` } : option;
  });
}

function option(text, isChosen, choose, context, props = {}) {
  return h("button", { type: "button", class: isChosen ? "option chosen" : "option", disabled: context.isReadOnly,
    "aria-pressed": String(isChosen), onclick: choose, ...props }, text);
}

function showOptions(question, context, isChosen, choose) {
  const options = listOptions(question, context);
  context.choosers.push({ question, options, choose: (key) => choose(key) });
  return h("div", { class: "options" }, options.map((each, at) =>
    option([each.label, each.shortcut || at < 9 ? h("kbd", {}, each.shortcut || at + 1) : null], isChosen(each.key), () => choose(each.key), context,
      { "data-key": each.key, title: each.remark || null, style: { "margin-left": each.depth ? `${each.depth * 18}px` : "", "border-color": each.color || "" } })));
}

function showRadio(question, context) {
  const reply = context.get(question);
  return showOptions(question, context, (key) => reply?.key === key, (key) => {
    const isSame = context.get(question)?.key === key;
    context.set(question, isSame && !question.required ? null : { kind: "choice", key });
  });
}

function showCheckbox(question, context) {
  const keys = () => context.get(question)?.keys || [];
  return showOptions(question, context, (key) => keys().includes(key), (key) => {
    const now = keys().includes(key) ? keys().filter((each) => each !== key) : [...keys(), key];
    context.set(question, now.length ? { kind: "choices", keys: now } : null);
  });
}

function showText(question, context) {
  const isLong = question.kind !== "INPUT";
  const node = h(isLong ? "textarea" : "input", { value: context.get(question)?.text ?? "", disabled: context.isReadOnly, "aria-label": question.title,
    rows: isLong ? 4 : null, pattern: isLong ? null : question.rule || null, "data-text": question.id });
  // the screen is not drawn again: whoever writes must not lose their place
  node.addEventListener("input", () => context.set(question, node.value ? { kind: "text", text: node.value } : null, { isQuiet: true }));
  const presets = (question.presets || []).map((text) => option(text, false, () => context.set(question, { kind: "text", text }), context));
  return [node, presets.length ? h("div", { class: "options" }, presets) : null];
}

function showRating(question, context) {
  const { low, high, step } = question.scale;
  const value = context.get(question)?.value;
  const count = step ? Math.round((high - low) / step) + 1 : Infinity;
  if (count > 21) {
    const node = h("input", { type: "number", min: low, max: high, step: step || "any", value: value ?? "", disabled: context.isReadOnly, "aria-label": question.title });
    node.addEventListener("input", () => context.set(question, node.value === "" ? null : { kind: "rating", value: Number(node.value) }, { isQuiet: true }));
    return [node, h("p", { class: "hint" }, `${low} to ${high}`)];
  }
  // sums of steps such as 0.1 are not exact
  const values = Array.from({ length: count }, (_, at) => Number((low + at * step).toFixed(9)));
  const choose = (chosen) => context.set(question, { kind: "rating", value: Number(chosen) });
  context.choosers.push({ question, options: values.map((each) => ({ key: String(each), shortcut: each >= 0 && each <= 9 ? String(each) : "" })), choose });
  return h("div", { class: "options" }, values.map((each) => option(String(each), each === value, () => choose(each), context, { "data-key": String(each) })));
}

// The best is chosen first, then the next: a second click takes an option back, with all behind it.
function showRanking(question, context) {
  const partial = (context.ui[question.id] ??= {});
  const keys = context.get(question)?.keys || partial.keys || [];
  const total = listOptions(question, context).length;
  const choose = (key) => {
    const at = keys.indexOf(key);
    const now = at < 0 ? [...keys, key] : keys.slice(0, at);
    partial.keys = now;
    context.set(question, now.length === total ? { kind: "ranking", keys: now } : null);
  };
  const options = listOptions(question, context);
  context.choosers.push({ question, options, choose });
  return [h("p", { class: "hint" }, "Choose the best first, then the next best."),
    h("div", { class: "options" }, options.map((each) => {
      const rank = keys.indexOf(each.key) + 1;
      return option([rank ? `${rank}. ` : "", each.label], rank > 0, () => choose(each.key), context, { "data-key": each.key });
    }))];
}

const TIES = [["both good", "Both good"], ["both bad", "Both bad"], ["", "No difference"]];

function showPreference(question, context) {
  const reply = context.get(question);
  const most = question.scale.high;
  const options = listOptions(question, context);
  const prefer = (better, degree) => context.set(question, { kind: "preference", better, degree });
  const tie = (how) => context.set(question, { kind: "preference", better: null, ...(how ? { tie: how } : {}) });
  context.choosers.push({ question, options: [...options, ...TIES.map(([key]) => ({ key: `tie:${key}` }))],
    choose: (key) => (key.startsWith("tie:") ? tie(key.slice(4)) : prefer(key, reply?.degree || 1)) });
  const better = reply?.better;
  return [
    h("div", { class: "options" }, options.map((each) => option(each.label, better === each.key, () => prefer(each.key, reply?.degree || 1), context, { "data-key": each.key })),
      TIES.map(([how, text]) => option(text, Boolean(reply) && better === null && (reply.tie || "") === how, () => tie(how), context, { "data-tie": how }))),
    most > 1 && better ? h("div", { class: "options" }, h("span", {}, "By how much:"),
      Array.from({ length: most }, (_, at) => option(String(at + 1), (reply.degree || 1) === at + 1, () => prefer(better, at + 1), context, { "data-degree": String(at + 1) }))) : null,
  ];
}

// A reply in one line, in the words of the screen: in the lists of votes.
export function describeReply(question, reply, context) {
  const name = (key) => listOptions(question, context).find((option) => option.key === key)?.label ?? key;
  switch (reply?.kind) {
    case "choice": return name(reply.key);
    case "choices": return reply.keys.map(name).join(", ");
    case "text": return reply.text;
    case "rating": return String(reply.value);
    case "ranking": return reply.keys.map(name).join(" > ");
    case "preference": return describePreference(reply, name);
    case "regions": return count(reply.regions, "region");
    case "spans": return count(reply.spans, "span");
    case "segments": return count(reply.segments, "segment");
    default: return "";
  }
}

function describePreference({ better = null, degree = 1, tie }, name) {
  if (better === null) return tie || "no difference";
  return `${name(better)} is better${degree > 1 ? ` (${degree})` : ""}`;
}

const count = (parts, noun) => `${parts.length} ${noun}${parts.length === 1 ? "" : "s"}`;
