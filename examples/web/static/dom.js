// Makes elements. Nothing is ever parsed as HTML, so no text of a task can become a script.

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "g", "rect", "polygon", "polyline", "circle", "image", "text", "path", "line"]);

export function h(tag, props = {}, ...children) {
  const isSvg = SVG_TAGS.has(tag);
  const node = isSvg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, text] of Object.entries(value)) node.style.setProperty(key, text);
    else if (!isSvg && ["value", "checked", "disabled", "selected"].includes(name)) node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function fill(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const MARKS = ["data-key", "data-tie", "data-degree", "data-tool", "data-part", "data-text", "aria-label"];

// Where the keyboard is, in words that find the same place after the page was drawn again.
function describeFocus(within) {
  const node = document.activeElement;
  if (!node || !within.contains(node)) return "";
  if (node.id) return `#${CSS.escape(node.id)}`;
  const own = MARKS.filter((name) => node.hasAttribute(name)).map((name) => `[${name}="${CSS.escape(node.getAttribute(name))}"]`).join("");
  const question = node.closest("[data-question]");
  return own && (question ? `[data-question="${CSS.escape(question.dataset.question)}"] ${own}` : own);
}

// Draws what replaces the focused element, and puts the keyboard back to where it was.
export function keepFocus(within, draw) {
  const place = describeFocus(within);
  draw();
  if (place) within.querySelector(place)?.focus({ preventScroll: true });
}

const notice = () => document.getElementById("notice");
let clearing;

// What went well leaves by itself; what went wrong stays until something else is said.
export function say(text, kind = "good") {
  clearTimeout(clearing);
  const close = h("button", { class: "close", "aria-label": "close", onclick: () => fill(notice()) }, "×");
  fill(notice(), h("p", { class: kind }, text, close));
  if (kind === "good") clearing = setTimeout(() => fill(notice()), 4000);
}

// What went wrong on the page before is not said on the next one.
export function clear() {
  notice().querySelector(".bad")?.remove();
}

// Runs what a click asks for, once at a time, and says why it was refused.
export function button(label, action, props = {}) {
  const node = h("button", { type: "button", ...props }, label);
  node.addEventListener("click", async () => {
    if (node.disabled) return;
    node.disabled = true;
    try {
      await action();
    } catch (error) {
      say(error.message, "bad");
    } finally {
      node.disabled = false;
    }
  });
  return node;
}

// Asks for a text and perhaps a reason on the page itself; returns null when it is cancelled.
export function ask(title, { label = "Comment", reasons = [], isRequired = false, confirm = "OK" } = {}) {
  return new Promise((resolve) => {
    // with a list of reasons one of the two is enough
    const isTextRequired = isRequired && !reasons.length;
    const text = h("textarea", { rows: 3, id: "dialog-text", required: isTextRequired });
    const reason = h("select", { id: "dialog-reason" }, h("option", { value: "" }, "choose a reason"),
      reasons.map((each) => h("option", { value: each }, each)));
    const dialog = h("dialog", {},
      h("form", { method: "dialog", onsubmit: (event) => {
        event.preventDefault();
        if (isRequired && !text.value.trim() && !reason.value) text.focus();
        else close({ text: text.value.trim(), reason: reason.value || null });
      } },
      h("h2", {}, title),
      reasons.length ? h("label", {}, "Reason ", reason) : null,
      h("label", {}, label, isTextRequired ? " *" : "", isRequired && reasons.length ? ", unless you choose a reason" : "", text),
      h("p", { class: "row" }, h("button", { id: "dialog-ok" }, confirm),
        h("button", { type: "button", class: "plain", onclick: () => close(null) }, "Cancel"))));
    const close = (result) => {
      dialog.close();
      dialog.remove();
      resolve(result);
    };
    dialog.addEventListener("cancel", () => close(null));
    document.body.append(dialog);
    dialog.showModal();
    (reasons.length ? reason : text).focus();
  });
}
