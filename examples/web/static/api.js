// Requests to the server. Only this file knows the token of the session.

let token = "";

export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `the server answered ${status}`);
    this.status = status;
    this.type = problem.type || "";
    this.problem = problem;
  }
}

export function setToken(given) {
  token = given;
}

export async function send(method, path, body, options = {}) {
  const headers = { "x-csrf-token": token };
  if (body !== undefined) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(`/api${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      ...options,
    });
  } catch {
    throw new Refusal(0, { detail: "the server cannot be reached; what you did is kept here" });
  }
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw new Refusal(response.status, problem);
  }
  if (response.status === 204) return null;
  const isJson = (response.headers.get("content-type") || "").includes("json");
  return isJson ? response.json() : response;
}

export const get = (path) => send("GET", path);
export const post = (path, body) => send("POST", path, body === undefined ? {} : body);
export const put = (path, body, options) => send("PUT", path, body, options);
