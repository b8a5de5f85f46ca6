// Coverage: which answers leave no trace of success or failure, and what to instrument next.

import { ask } from "/console/admin.js";
import { element, percent, table } from "/console/elements.js";

const KNOWN = ["explicit", "implicit", "outcome", "gold", "session", "silent"];
const FIGURES = new Set([...KNOWN, "calls", "failed", "without_session", "kinds"]);

export async function audit(page, parameters) {
  page.replaceChildren(element("h1", {}, "Coverage"), element("p", { class: "soft" }, "The ledger is being read."));
  const days = Number(parameters.get("days") ?? 30);
  const since = BigInt(Date.now() - days * 86_400_000) * 1_000_000n;
  const found = await ask("/v1/audit", { since_ns: since.toString() });
  const choice = [1, 7, 30].map((count) => element("a", { href: `#/audit?days=${count}` }, `${count} days `));
  page.replaceChildren(
    element("h1", {}, "Coverage"),
    element("p", {}, `${found.total.calls.toLocaleString()} answers in ${days} days. `, element("span", {}, choice)),
    element("p", { class: "soft" }, "Shares of answers of which something is known, each with its 95 % interval."),
    element("h2", {}, "What to do next"),
    found.next.length ? element("div", {}, found.next.map(step)) : element("p", { class: "soft" }, "Nothing to say yet."),
    segments(found),
    element("h2", {}, "Feedback"),
    element("p", {}, `${found.feedback.joined} joined, ${found.feedback.pending} waiting for their call, ${found.feedback.ambiguous} fit several.`),
  );
}

function step(one) {
  return element("div", { class: "card" }, element("p", {}, element("strong", {}, one.finding)), element("p", {}, one.action));
}

function segments(found) {
  const columns = [["of which"], ["answers", "number"], ...KNOWN.map((name) => [name, "number"])];
  const groups = Object.entries(found.segments).filter(([name, group]) => group.listed.length > 1 || name === "model and endpoint");
  const rows = [row("all", found.total)];
  for (const [name, group] of groups) {
    rows.push([element("strong", {}, `by ${name}`)], ...group.listed.map((one) => row(label(one), one)));
    if (group.left_out) rows.push([element("span", { class: "soft" }, `and ${group.left_out} more`)]);
  }
  return table(columns, rows);
}

function row(name, one) {
  return [name, one.calls.toLocaleString(), ...KNOWN.map((known) => share(one[known]))];
}

function label(one) {
  const values = Object.entries(one).filter(([name, value]) => !FIGURES.has(name) && value !== "").map(([, value]) => value);
  return values.join(" · ") || "none";
}

function share(one) {
  if (!one || one.share === null) return "";
  return element("span", {}, percent(one.share), element("small", {}, `${percent(one.low)} to ${percent(one.high)}`));
}
