// Segments of a sound or a video, on a line of time.

import { h } from "./dom.js";
import { colorOf, firstLabels, listParts, nameOf } from "./marking.js";

const WIDTH = 1000;
const HEIGHT = 90;
const VIDEO = /\.(mp4|webm)$/i;

export function segmentEditor(question, context) {
  const ui = (context.ui[question.id] ??= {});
  const source = context.data[question.field];
  const questions = question.children || [];
  // read again whenever something changes: texts are written without drawing the screen again
  const read = () => context.get(question)?.segments || [];
  const segments = read();
  const store = (changed, options) => context.set(question, { kind: "segments", segments: changed, duration: ui.duration }, options);
  const change = (at, segment, options) => store(read().map((each, index) => (index === at ? segment : each)), options);
  const remove = (at) => {
    ui.chosen = undefined;
    store(read().filter((_, index) => index !== at));
  };
  const add = (start, end) => {
    ui.chosen = segments.length;
    store([...read(), { start, end, ...firstLabels(ui, questions) }]);
  };
  // one player for all the times that the screen is drawn: what plays goes on
  const isFilm = context.views.some((view) => view.kind === "Video" && view.field === question.field) || VIDEO.test(source);
  ui.player ??= makePlayer(source, isFilm, ui, question, context);
  ui.keys = (key) => ((key === "Delete" || key === "Backspace") && ui.chosen !== undefined && !context.isReadOnly ? remove(ui.chosen) : false);
  return [
    ui.player,
    ui.duration ? showLine({ ui, read, segments, questions, context, add, change }) : h("p", { class: "hint" }, "The recording is loading…"),
    listParts({ parts: segments, questions, ui, context, change, remove, describe: ({ start, end }) => `${start.toFixed(2)} s to ${end.toFixed(2)} s`,
      more: (segment, at) => [edge("start", segment, at, { read, change, context }), edge("end", segment, at, { read, change, context }),
        h("button", { type: "button", class: "plain", onclick: (event) => {
          event.stopPropagation();
          play(ui.player, segment);
        } }, "Play")] }),
  ];
}

function makePlayer(source, isFilm, ui, question, context) {
  const player = h(isFilm ? "video" : "audio", { src: source, controls: true, preload: "metadata" });
  player.addEventListener("loadedmetadata", () => {
    ui.duration = Math.round(player.duration * 1000) / 1000;
    if (!context.get(question)) context.set(question, { kind: "segments", segments: [], duration: ui.duration }, { isFirst: true });
    context.refresh();
  });
  player.addEventListener("timeupdate", () => {
    const place = (player.currentTime / ui.duration) * WIDTH;
    const line = player.parentNode?.querySelector(".now-line");
    line?.setAttribute("x1", place);
    line?.setAttribute("x2", place);
    if (ui.until !== undefined && player.currentTime >= ui.until) {
      player.pause();
      ui.until = undefined;
    }
  });
  if (!isFilm) measure(source).then((peaks) => {
    ui.peaks = peaks;
    context.refresh();
  }, () => {}); // without a waveform the line of time works as well
  player.playUntil = (end) => { ui.until = end; };
  return player;
}

// How loud each of 500 parts of the recording is.
async function measure(source) {
  const response = await fetch(source);
  const sound = await new OfflineAudioContext(1, 1, 44100).decodeAudioData(await response.arrayBuffer());
  const samples = sound.getChannelData(0);
  const size = Math.ceil(samples.length / 500);
  return Array.from({ length: 500 }, (_, part) => samples.subarray(part * size, (part + 1) * size).reduce((most, each) => Math.max(most, Math.abs(each)), 0));
}

function play(player, { start, end }) {
  player.currentTime = start;
  player.playUntil(end);
  player.play();
}

function edge(side, segment, at, { read, change, context }) {
  return h("input", { type: "number", step: 0.01, min: 0, value: segment[side], "aria-label": side, disabled: context.isReadOnly,
    onclick: (event) => event.stopPropagation(), onchange: (event) => {
      const changed = { ...read()[at], [side]: Number(event.target.value) };
      if (changed.start < changed.end) change(at, changed);
      else context.refresh();
    } });
}

function showLine({ ui, read, segments, questions, context, add, change }) {
  const scale = WIDTH / ui.duration;
  const wave = (ui.peaks || []).map((peak, at) => `M${at * 2},${HEIGHT / 2 - peak * 40}V${HEIGHT / 2 + peak * 40}`).join("");
  const svg = h("svg", { class: "surface", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, id: "line" },
    wave ? h("path", { d: wave, stroke: "#8a97a8" }) : null,
    segments.map((segment, at) => [
      h("rect", { x: segment.start * scale, y: 4, width: (segment.end - segment.start) * scale, height: HEIGHT - 8, fill: colorOf(segment, questions), "fill-opacity": at === ui.chosen ? 0.45 : 0.25, "data-segment": at }),
      h("text", { x: segment.start * scale + 4, y: 20, "font-size": 16, "pointer-events": "none" }, nameOf(segment, questions)),
    ]),
    h("line", { class: "now-line", x1: 0, x2: 0, y1: 0, y2: HEIGHT, stroke: "#000" }));
  const place = (event) => {
    const { left, width } = svg.getBoundingClientRect();
    return Math.round(Math.min(Math.max((event.clientX - left) / width, 0), 1) * ui.duration * 100) / 100;
  };
  svg.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    svg.setPointerCapture(event.pointerId);
    ui.drag = { from: place(event), at: event.target.dataset.segment };
  });
  svg.addEventListener("pointerup", (event) => {
    const { from, at } = ui.drag || {};
    if (from === undefined) return;
    ui.drag = undefined;
    const to = place(event);
    if (Math.abs(to - from) < 0.05) {
      ui.player.currentTime = to;
      if (at !== undefined) ui.chosen = Number(at);
      context.refresh();
    } else if (!context.isReadOnly && at !== undefined) {
      const length = segments[at].end - segments[at].start;
      const start = Math.min(Math.max(segments[at].start + to - from, 0), ui.duration - length);
      change(Number(at), { ...read()[at], start, end: start + length });
    } else if (!context.isReadOnly) add(Math.min(from, to), Math.max(from, to));
  });
  return svg;
}
