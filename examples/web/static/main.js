// Which page is shown, as the address says after its #: so a reload shows it again.

import { get, post, send, setToken } from "./api.js";
import { button, clear, fill, h, say } from "./dom.js";
import { showBoard, showJob } from "./manage.js";
import { showList } from "./lists.js";
import { showWork } from "./work.js";

const STAGES = { label: "Label tasks", inspect: "Quality inspection", accept: "Acceptance" };
const main = document.getElementById("main");
let session = null;
let leave = () => {};

async function route() {
  const [page = "", ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  await leave();
  leave = () => {};
  if (session === null) return showSignIn();
  showHeader(page);
  clear();
  try {
    if (page === "work") leave = await showWork(main, ...rest);
    else if (page === "manage" && rest[0]) await showJob(main, rest[0]);
    else if (page === "manage") await showBoard(main);
    else await showList(main, STAGES[page] ? page : "label", STAGES);
  } catch (error) {
    if (error.status === 401) return signedOut();
    fill(main, h("p", {}, h("a", { href: "#/label" }, "Back to my work")));
    say(error.message, "bad");
  }
}

function showHeader(page) {
  const links = Object.entries({ ...STAGES, manage: "Management" }).map(([name, title]) =>
    h("a", { href: `#/${name}`, class: name === page ? "on" : "", "aria-current": name === page ? "page" : null, id: `page-${name}`, onclick: () => reload(name) }, title));
  fill(document.getElementById("header"), h("b", {}, "Labeling"), h("nav", {}, links),
    h("span", { class: "who" }, session.account, " ", button("Sign out", signOut, { class: "plain", id: "sign-out" })));
}

// A click on the page that is open shows what is new there.
function reload(name) {
  if (location.hash === `#/${name}`) route();
}

function showSignIn() {
  fill(document.getElementById("header"), h("b", {}, "Labeling"));
  const account = h("input", { id: "account", autocomplete: "username", required: true });
  const password = h("input", { id: "password", type: "password", autocomplete: "current-password" });
  const signIn = async (event) => {
    event.preventDefault();
    try {
      session = await post("/session", { account: account.value, password: password.value });
      setToken(session.token);
      route();
    } catch (error) {
      say(error.message, "bad");
    }
  };
  fill(main, h("form", { class: "narrow", onsubmit: signIn }, h("h1", {}, "Sign in"),
    h("label", {}, "Account", account), h("label", {}, "Password", password),
    h("button", { id: "sign-in" }, "Sign in")));
  account.focus();
}

async function signOut() {
  await leave();
  leave = () => {};
  await send("DELETE", "/session");
  signedOut();
}

function signedOut() {
  session = null;
  clear();
  showSignIn();
}

async function begin() {
  try {
    session = await get("/session");
    setToken(session.token);
  } catch (error) {
    if (error.status !== 401) say(error.message, "bad");
  }
  route();
}

window.addEventListener("hashchange", route);
begin();
