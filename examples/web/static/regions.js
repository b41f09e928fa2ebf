// Regions of an image: boxes, rotated boxes, polygons, polylines, points, keypoints and masks.

import { h } from "./dom.js";
import { colorOf, firstLabels, listParts, nameOf } from "./marking.js";
import { drawMask, makeMask } from "./masks.js";

const SHAPES = ["box", "rotated box", "polygon", "polyline", "point", "keypoints", "mask"];

export function regionEditor(question, context) {
  const ui = (context.ui[question.id] ??= { tool: (question.shapes || SHAPES)[0], points: [] });
  const source = context.data[question.field];
  const reply = context.get(question);
  if (!ui.size) {
    loadSize(source, ui, question, context);
    return h("p", { class: "hint" }, ui.failed ? "The image cannot be shown." : "The image is loading…");
  }
  const size = ui.size;
  // read again whenever something changes: texts are written without drawing the screen again
  const read = () => context.get(question)?.regions || [];
  const regions = read();
  const questions = question.children || [];
  const store = (changed, options) => context.set(question, { kind: "regions", ...(reply?.rotation ? { rotation: reply.rotation } : {}), regions: changed, width: size.width, height: size.height }, options);
  const change = (at, region, options) => store(read().map((each, index) => (index === at ? region : each)), options);
  const add = (region) => {
    ui.chosen = regions.length;
    ui.points = [];
    store([...read(), { ...region, ...firstLabels(ui, questions) }]);
  };
  const remove = (at) => {
    ui.chosen = undefined;
    store(read().filter((_, index) => index !== at));
  };
  const editor = { question, context, ui, size, read, regions, questions, add, change, remove };
  ui.keys = (key) => pressKey(key, editor);
  return [
    context.isReadOnly ? null : showTools(editor),
    showSurface(editor, source),
    listParts({ parts: regions, questions, ui, context, describe: (region) => region.kind, change, remove, more: (region, at) => showAngle(region, at, editor) }),
  ];
}

function loadSize(source, ui, question, context) {
  if (ui.failed || ui.image) return;
  ui.image = new Image();
  ui.image.onload = () => {
    ui.size = { width: ui.image.naturalWidth, height: ui.image.naturalHeight };
    // an image without anything to mark is an answer, too
    if (!context.get(question)) context.set(question, { kind: "regions", regions: [], ...ui.size }, { isFirst: true });
    context.refresh();
  };
  ui.image.onerror = () => {
    ui.failed = true;
    context.refresh();
  };
  ui.image.src = source;
}

function showTools(editor) {
  const { ui, question, context, add } = editor;
  const tools = ["choose", ...(question.shapes || SHAPES)];
  const choose = (tool) => {
    ui.tool = tool;
    ui.points = [];
    ui.mask = undefined;
    context.refresh();
  };
  const least = { polygon: 3, polyline: 2 }[ui.tool];
  const names = question.keypoints || [];
  return [
    h("div", { class: "options" }, tools.map((tool) => h("button", { type: "button", class: ui.tool === tool ? "option chosen" : "option", "data-tool": tool, onclick: () => choose(tool) }, tool))),
    h("div", { class: "row" },
      least ? h("button", { type: "button", class: "plain", id: "finish", disabled: ui.points.length < least, onclick: () => finish(editor) }, "Finish the shape") : null,
      ui.tool === "keypoints" && names.length ? h("span", { class: "hint" }, `place: ${names[ui.points.length]}`) : null,
      ui.tool === "keypoints" ? h("button", { type: "button", class: "plain", id: "not-there", disabled: !names.length, onclick: () => addKeypoint({ name: names[ui.points.length], x: 0, y: 0, visibility: 0 }, editor) }, "Not in the image") : null,
      ui.tool === "mask" ? [h("label", {}, "Brush ", h("input", { type: "range", min: 2, max: 60, value: ui.brush || 16, oninput: (event) => { ui.brush = Number(event.target.value); } })),
        h("button", { type: "button", class: "plain", id: "finish", disabled: !ui.mask, onclick: () => {
          const counts = makeMask(ui.mask);
          ui.mask = undefined;
          add({ kind: "mask", counts });
        } }, "Finish the mask")] : null),
  ];
}

function showAngle(region, at, { context, read, change }) {
  if (region.kind !== "rotatedbox" || context.isReadOnly) return null;
  return h("input", { type: "number", step: 1, value: Math.round(region.angle), "aria-label": "angle", onclick: (event) => event.stopPropagation(),
    onchange: (event) => change(at, { ...read()[at], angle: Number(event.target.value) }) });
}

function showSurface(editor, source) {
  const { ui, size, regions, questions, context } = editor;
  const thin = Math.max(size.width, size.height) / 300;
  const svg = h("svg", { class: "surface", viewBox: `0 0 ${size.width} ${size.height}` },
    h("image", { href: source, width: size.width, height: size.height }),
    regions.map((region, at) => drawRegion(region, colorOf(region, questions), at === ui.chosen ? thin * 2 : thin, size, at, nameOf(region, questions))),
    ui.points.length ? h("polyline", { points: ui.points.map(({ x, y }) => `${x},${y}`).join(" "), fill: "none", stroke: "#000", "stroke-width": thin }) : null,
    ui.points.map(({ x, y }) => h("circle", { cx: x, cy: y, r: thin * 2, fill: "#000" })));
  if (ui.mask) svg.append(drawMask(makeMask(ui.mask), size, "#000"));
  if (!context.isReadOnly) listen(svg, editor, thin);
  return svg;
}

// A name is legible on any image when it has a white edge.
const outline = (width) => ({ stroke: "#fff", "stroke-width": width * 2, "paint-order": "stroke", "stroke-linejoin": "round" });

function drawRegion(region, color, width, size, at, name) {
  const style = { stroke: color, "stroke-width": width, fill: color, "fill-opacity": 0.12, "data-region": at };
  const title = (x, y) => h("text", { x, y: Math.max(y - width, width * 8), "font-size": Math.max(size.width / 28, 9), fill: color, ...outline(width), "pointer-events": "none" }, name);
  switch (region.kind) {
    case "box":
    case "rotatedbox": {
      const middle = `${region.x + region.width / 2} ${region.y + region.height / 2}`;
      return h("g", region.angle ? { transform: `rotate(${region.angle} ${middle})` } : {}, h("rect", { ...style, x: region.x, y: region.y, width: region.width, height: region.height }), title(region.x, region.y));
    }
    case "polygon": return h("g", {}, h("polygon", { ...style, points: region.points.join(" ") }), title(...region.points[0]));
    case "polyline": return h("g", {}, h("polyline", { ...style, fill: "none", points: region.points.join(" ") }), title(...region.points[0]));
    case "point": return h("g", {}, h("circle", { ...style, "fill-opacity": 1, cx: region.x, cy: region.y, r: width * 2 }), title(region.x, region.y));
    case "keypoints": return h("g", {}, region.keypoints.filter((each) => each.visibility !== 0).map((each) => [h("circle", { ...style, "fill-opacity": 1, cx: each.x, cy: each.y, r: width * 2 }), h("text", { x: each.x + width * 3, y: each.y, "font-size": size.width / 32, fill: color, ...outline(width) }, each.name)]));
    default: return drawMask(region.counts, size, color, at);
  }
}

// Pointer events are the same for a mouse, a pen and a finger.
function listen(svg, editor, thin) {
  const { ui, size, read, change } = editor;
  const place = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const within = (value, most) => Math.min(Math.max(Math.round(value * 10) / 10, 0), most);
    return { x: within(point.x, size.width), y: within(point.y, size.height) };
  };
  svg.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    svg.setPointerCapture(event.pointerId);
    const at = event.target.dataset.region;
    ui.drag = { from: place(event), at: ui.tool === "choose" && at !== undefined ? Number(at) : undefined };
    if (ui.tool === "mask") paint(ui, size, place(event), svg);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!ui.drag) return;
    const to = place(event);
    ui.drag.moved = ui.drag.moved || Math.hypot(to.x - ui.drag.from.x, to.y - ui.drag.from.y) > thin * 2;
    if (ui.tool === "mask") paint(ui, size, to, svg);
    else if (ui.tool.endsWith("box")) preview(svg, ui.drag.from, to, thin);
  });
  svg.addEventListener("pointerup", (event) => {
    const drag = ui.drag;
    ui.drag = undefined;
    if (!drag) return;
    const to = place(event);
    if (ui.tool === "choose") {
      ui.chosen = drag.at;
      if (drag.moved && drag.at !== undefined) change(drag.at, move(read()[drag.at], to.x - drag.from.x, to.y - drag.from.y, size));
      else editor.context.refresh();
    } else draw(drag, to, editor);
  });
  svg.addEventListener("dblclick", () => finish(editor));
}

function preview(svg, from, to, thin) {
  svg.querySelector(".preview")?.remove();
  svg.append(h("rect", { class: "preview", x: Math.min(from.x, to.x), y: Math.min(from.y, to.y), width: Math.abs(to.x - from.x), height: Math.abs(to.y - from.y), fill: "none", stroke: "#000", "stroke-width": thin }));
}

function draw(drag, to, editor) {
  const { ui, add, context, question } = editor;
  if (ui.tool.endsWith("box")) {
    const width = Math.abs(to.x - drag.from.x);
    const height = Math.abs(to.y - drag.from.y);
    if (width < 2 || height < 2) return context.refresh();
    const box = { x: Math.min(drag.from.x, to.x), y: Math.min(drag.from.y, to.y), width, height };
    return add(ui.tool === "box" ? { kind: "box", ...box } : { kind: "rotatedbox", ...box, angle: 0 });
  }
  if (ui.tool === "point") return add({ kind: "point", ...to });
  if (ui.tool === "keypoints") return addKeypoint({ name: (question.keypoints || [])[ui.points.length] || `${ui.points.length + 1}`, ...to }, editor);
  if (ui.tool !== "mask") ui.points.push(to);
  return context.refresh();
}

function addKeypoint(keypoint, { ui, question, context, add }) {
  ui.points.push(keypoint);
  const names = question.keypoints || [];
  if (names.length && ui.points.length === names.length) add({ kind: "keypoints", keypoints: ui.points });
  else context.refresh();
}

function finish({ ui, add, context, question }) {
  const points = ui.points.map(({ x, y }) => [x, y]).filter((point, at, all) => at === 0 || String(point) !== String(all[at - 1]));
  if (ui.tool === "polygon" && points.length >= 3) add({ kind: "polygon", points });
  else if (ui.tool === "polyline" && points.length >= 2) add({ kind: "polyline", points });
  else if (ui.tool === "keypoints" && ui.points.length && !question.keypoints) add({ kind: "keypoints", keypoints: ui.points });
  else context.refresh();
}

function move(region, across, down, size) {
  const shift = ({ x, y }) => ({ x: x + across, y: y + down });
  if (region.points) return { ...region, points: region.points.map(([x, y]) => [clip(x + across, size.width), clip(y + down, size.height)]) };
  if (region.keypoints) return { ...region, keypoints: region.keypoints.map((each) => (each.visibility === 0 ? each : { ...each, ...shift(each) })) };
  if (region.counts) return region;
  const { x, y } = shift(region);
  return { ...region, x: clip(x, size.width - (region.width || 0)), y: clip(y, size.height - (region.height || 0)) };
}

const clip = (value, most) => Math.min(Math.max(Math.round(value * 10) / 10, 0), most);

function paint(ui, size, { x, y }, svg) {
  if (!ui.mask) ui.mask = Object.assign(document.createElement("canvas"), size);
  const pen = ui.mask.getContext("2d", { willReadFrequently: true });
  pen.beginPath();
  pen.arc(x, y, ui.brush || 16, 0, 7);
  pen.fill();
  svg.append(h("circle", { cx: x, cy: y, r: ui.brush || 16, opacity: 0.4 }));
}

function pressKey(key, editor) {
  const { ui, remove, context } = editor;
  if ((key === "Delete" || key === "Backspace") && ui.chosen !== undefined && !context.isReadOnly) return remove(ui.chosen);
  if (key === "Escape") {
    ui.points = [];
    ui.mask = undefined;
    return context.refresh();
  }
  if (key === "Enter" && ui.points.length) return finish(editor);
  return false;
}
