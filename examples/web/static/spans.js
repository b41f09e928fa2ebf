// Spans of a text, and relations between them. Offsets count characters, as Python does: an emoji
// is one, though JavaScript counts it as two.

import { h } from "./dom.js";
import { colorOf, firstLabels, listParts, nameOf, partContext } from "./marking.js";
import { showQuestion } from "./questions.js";

export function spanEditor(question, context) {
  const ui = (context.ui[question.id] ??= {});
  const characters = Array.from(String(context.data[question.field] ?? ""));
  const reply = context.get(question) || { spans: [], relations: [] };
  const spans = reply.spans || [];
  const relations = reply.relations || [];
  // read again whenever something changes: texts are written without drawing the screen again
  const read = () => ({ spans: [], relations: [], ...context.get(question) });
  const questions = question.children || [];
  const store = (changed, joined, options) => context.set(question, { kind: "spans", spans: changed, ...(joined.length ? { relations: joined } : {}) }, options);
  if (!context.get(question) && !context.isReadOnly) store([], [], { isFirst: true });
  const change = (at, span, options) => {
    const now = read();
    store(now.spans.map((each, index) => (index === at ? span : each)), now.relations, options);
  };
  const remove = (at) => {
    ui.chosen = undefined;
    const now = read();
    const kept = now.relations.filter(({ source, target }) => source !== at && target !== at)
      .map((each) => ({ ...each, source: each.source - (each.source > at), target: each.target - (each.target > at) }));
    store(now.spans.filter((_, index) => index !== at), kept);
  };
  const shown = h("div", { class: "marked" }, split(characters, spans).map((piece) => showPiece(piece, { characters, spans, questions, ui, context })));
  const mark = () => {
    const found = readSelection(shown);
    if (!found) return;
    const now = read();
    const text = characters.slice(found.start, found.end).join("");
    ui.chosen = now.spans.length;
    store([...now.spans, { ...found, text, ...firstLabels(ui, questions) }], now.relations);
  };
  // a finger chooses text with handles, and presses the button then; a mouse is done when it is up
  if (!context.isReadOnly) shown.addEventListener("pointerup", (event) => event.pointerType === "mouse" && setTimeout(mark));
  ui.keys = (key) => ((key === "Delete" || key === "Backspace") && ui.chosen !== undefined && !context.isReadOnly ? remove(ui.chosen) : false);
  return [
    shown,
    context.isReadOnly ? null : h("button", { type: "button", class: "plain", id: "mark", onpointerdown: (event) => event.preventDefault(), onclick: mark }, "Mark what is selected"),
    listParts({ parts: spans, questions, ui, context, describe: (span) => characters.slice(span.start, span.end).join(""), change, remove }),
    question.relations && spans.length > 1 ? showRelations({ question, context, ui, read, questions, store }) : null,
  ];
}

// Cuts the text wherever a span begins or ends, so that spans may overlap.
function split(characters, spans) {
  const cuts = new Set([0, characters.length, ...spans.flatMap(({ start, end }) => [start, end])]);
  const places = [...cuts].filter((at) => at <= characters.length).sort((a, b) => a - b);
  return places.slice(0, -1).map((start, at) => ({ start, end: places[at + 1] }));
}

function showPiece({ start, end }, { characters, spans, questions, ui, context }) {
  const text = characters.slice(start, end).join("");
  const at = spans.findLastIndex((span) => span.start <= start && end <= span.end);
  if (at < 0) return h("span", { "data-start": start }, text);
  const color = colorOf(spans[at], questions);
  return h("span", { class: "mark", "data-start": start, "data-span": at, title: nameOf(spans[at], questions), onclick: () => {
    if (String(getSelection())) return;
    ui.chosen = at;
    context.refresh();
  }, style: { background: `${color}${at === ui.chosen ? "55" : "22"}`, "border-color": color } }, text);
}

function readSelection(text) {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  if (!text.contains(range.startContainer) || !text.contains(range.endContainer)) return null;
  const start = countUntil(text, range.startContainer, range.startOffset);
  const end = countUntil(text, range.endContainer, range.endOffset);
  selection.removeAllRanges();
  return start < end ? { start, end } : null;
}

// How many characters of the text are before a place in the page.
function countUntil(text, node, offset) {
  const before = document.createRange();
  before.setStart(text, 0);
  before.setEnd(node, offset);
  return Array.from(before.toString()).length;
}

function showRelations({ question, context, ui, read, questions, store }) {
  const { spans, relations } = read();
  const name = (at) => `${at + 1}. ${spans[at]?.text || nameOf(spans[at] || {}, questions)}`;
  const choose = (side) => h("select", { "aria-label": side, id: `relation-${side}`, onchange: (event) => { ui[side] = Number(event.target.value); } },
    spans.map((_, at) => h("option", { value: at, selected: at === ui[side] }, name(at))));
  ui.source ??= 0;
  ui.target ??= 1;
  const join = () => {
    if (ui.source === ui.target || !spans[ui.source] || !spans[ui.target]) return;
    store(read().spans, [...read().relations, { source: ui.source, target: ui.target, ...firstLabels({}, question.relations) }]);
  };
  const change = (at, relation, options) => store(read().spans, read().relations.map((each, index) => (index === at ? relation : each)), options);
  return h("div", {}, h("h3", {}, "Relations"),
    context.isReadOnly ? null : h("div", { class: "row" }, choose("source"), choose("target"), h("button", { type: "button", class: "plain", id: "join", onclick: join }, "Join")),
    relations.map((relation, at) => h("div", { class: "panel" }, h("p", {}, `${name(relation.source)} → ${name(relation.target)}`),
      question.relations.map((each) => showQuestion(each, partContext(context, relation, question.relations, (changed, options) => change(at, changed, options)))),
      context.isReadOnly ? null : h("button", { type: "button", class: "plain", onclick: () => store(read().spans, read().relations.filter((_, index) => index !== at)) }, "Delete"))));
}
