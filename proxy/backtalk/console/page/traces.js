// The latest calls, newest first, and what became of them.

import { ask } from "/console/admin.js";
import { element, feedbackChip, moment, seconds, signalChip, table } from "/console/elements.js";

const COLUMNS = [
  ["when"], ["model"], ["outcome"], ["took", "number"], ["tokens", "number"], ["signals"], ["feedback"], ["trace"],
];
const OUTCOMES = ["completed", "client_disconnected", "upstream_error", "upstream_timeout", "failed", "interrupted", "rejected"];

export async function traces(page, parameters, again) {
  const found = await ask("/v1/traces", {
    limit: 100,
    model: parameters.get("model"),
    outcome: parameters.get("outcome"),
    signal: parameters.get("signal"),
    has_feedback: parameters.get("has_feedback"),
    session_id: parameters.get("session_id"),
    before_ns: parameters.get("before_ns"),
  });
  const listed = found.calls.length
    ? table(COLUMNS, found.calls.map(row))
    : element("p", { class: "soft" }, "No such calls yet. Point an app's base_url at Backtalk, and they appear here.");
  const last = found.calls.at(-1);
  const older = found.calls.length === 100 ? element("p", {}, element("a", { href: link(parameters, { before_ns: last.opened_ns }) }, "Older calls")) : null;
  page.replaceChildren(element("h1", {}, "Traces"), filters(parameters), listed, ...(older ? [older] : []));
  if (!parameters.get("before_ns")) again(3000);
}

function row(call) {
  const tokens = call.input_tokens === undefined ? "" : `${call.input_tokens} + ${call.output_tokens ?? "?"}`;
  const fine = call.outcome === "completed" && call.status < 400;
  return [
    moment(call.opened_ns),
    call.model_served ?? call.model ?? call.api,
    element("span", { class: fine ? "" : "bad" }, fine ? String(call.status) : `${call.outcome ?? "open"} ${call.status || ""}`),
    seconds(call.duration_ns),
    tokens,
    element("span", {}, call.signals.map(signalChip)),
    element("span", {}, call.feedback.map(feedbackChip)),
    element("a", { class: "id", href: `#/trace/${call.trace_id}` }, call.trace_id.slice(0, 12)),
  ];
}

function filters(parameters) {
  const field = (name, title, control) => element("label", {}, title, control);
  const choose = (name, options) => element("select", { name },
    options.map(([value, title]) => element("option", { value, selected: parameters.get(name) === value }, title)));
  const write = (name) => element("input", { name, value: parameters.get(name) ?? "" });
  const go = (event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(event.currentTarget));
    location.hash = link(new URLSearchParams(), given);
  };
  return element("form", { class: "bar", onsubmit: go },
    field("model", "Model", write("model")),
    field("outcome", "Outcome", choose("outcome", [["", "any"], ...OUTCOMES.map((name) => [name, name])])),
    field("signal", "Signal", write("signal")),
    field("has_feedback", "Feedback", choose("has_feedback", [["", "any"], ["true", "with"], ["false", "without"]])),
    field("session_id", "Session", write("session_id")),
    element("button", { class: "main" }, "Show"));
}

function link(parameters, changes) {
  const merged = new URLSearchParams(parameters);
  for (const [name, value] of Object.entries(changes)) value === "" ? merged.delete(name) : merged.set(name, value);
  const query = merged.toString();
  return query ? `#/traces?${query}` : "#/traces";
}
