// Elements from values. Text is only ever set as text, so no answer of a model can become markup.

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export function table(columns, rows) {
  const head = columns.map(([title, kind]) => element("th", { scope: "col", class: kind }, title));
  const body = rows.map((cells) =>
    element("tr", {}, cells.map((cell, at) => element("td", { class: columns[at][1] }, cell ?? ""))));
  return element("div", { class: "wide" },
    element("table", {}, element("thead", {}, element("tr", {}, head)), element("tbody", {}, body)));
}

export function chip(text, tone = "", title = "") {
  return element("span", { class: `chip ${tone}`, title: title || null }, text);
}

export function moment(ns) {
  return ns ? new Date(Number(ns) / 1e6).toLocaleString() : "";
}

export function seconds(ns) {
  return ns === null || ns === undefined ? "" : `${(Number(ns) / 1e9).toFixed(2)} s`;
}

export function percent(share) {
  return share === null || share === undefined ? "" : `${(100 * share).toFixed(1)} %`;
}

const GOOD = new Set(["acceptance"]);
const NEUTRAL = new Set(["language_switch", "topic_change", "model_switch", "resumption"]);

export function signalChip(signal) {
  const tone = GOOD.has(signal.kind) ? "good" : NEUTRAL.has(signal.kind) ? "soft" : "bad";
  return chip(`${signal.kind} ${signal.probability.toFixed(2)}`, tone, `${signal.detector} ${signal.detector_version}`);
}

export function feedbackChip(given) {
  const { kind, value } = given;
  if (kind === "rating") return chip(value ? "thumb up" : "thumb down", value ? "good" : "bad");
  const said = typeof value === "number" || typeof value === "boolean" ? ` ${value}` : "";
  return chip(`${given.metric ?? kind}${said}`);
}
