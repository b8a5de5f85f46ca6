// The admin listener's API, with the token of whoever looks. The token stays in this tab and leaves with it.

const KEY = "backtalk-token";

export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export function takeToken() {
  const given = /^#token=([^&]+)$/.exec(location.hash);
  if (given) {
    sessionStorage.setItem(KEY, decodeURIComponent(given[1]));
    history.replaceState(null, "", "/#/traces");
  }
  return sessionStorage.getItem(KEY);
}

export function keepToken(token) {
  sessionStorage.setItem(KEY, token);
}

export function forgetToken() {
  sessionStorage.removeItem(KEY);
}

export async function ask(path, parameters = {}, { method = "GET", body } = {}) {
  const wanted = Object.entries(parameters).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const query = new URLSearchParams(wanted).toString();
  const headers = { authorization: `Bearer ${sessionStorage.getItem(KEY)}` };
  if (body !== undefined) headers["content-type"] = "application/json";
  let answer;
  try {
    answer = await fetch(query ? `${path}?${query}` : path, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refused("Backtalk does not answer. Is `backtalk serve` running?", 0);
  }
  const document = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(document.error?.message ?? `status ${answer.status}`, answer.status);
  return document;
}
