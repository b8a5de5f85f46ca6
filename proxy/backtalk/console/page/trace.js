// One trace: what was asked and answered, and everything that was said of it since.

import { ask } from "/console/admin.js";
import { chip, element, feedbackChip, moment, seconds, signalChip, table } from "/console/elements.js";

export async function trace(page, parameters, again, id) {
  const found = await ask(`/v1/traces/${encodeURIComponent(id)}`);
  const waiting = [...found.pending_feedback, ...found.ambiguous_feedback];
  page.replaceChildren(
    element("h1", {}, "Trace ", element("span", { class: "id" }, found.trace_id)),
    ...found.calls.map(call),
    ...(waiting.length ? [element("h2", {}, "Feedback that fits no call, or several"), feedbackTable(waiting)] : []),
    ...(found.session_feedback.length ? [element("h2", {}, "Feedback on the session"), feedbackTable(found.session_feedback)] : []),
  );
  again(5000);
}

function call(found) {
  const facts = [
    ["span", element("span", { class: "id" }, found.span_id)],
    ["when", moment(found.opened_ns)],
    ["took", seconds(found.duration_ns)],
    ["status", `${found.status ?? ""} ${found.outcome ?? "open"}`],
    ["tokens", found.input_tokens === undefined ? null : `${found.input_tokens} in, ${found.output_tokens ?? "?"} out`],
    ["cost", found.cost_usd === undefined ? null : `$${found.cost_usd.toPrecision(3)}`],
    ["session", session(found)],
    ["response id", found.response_id ? element("span", { class: "id" }, found.response_id) : null],
  ];
  return element("section", { class: "card" },
    element("h2", {}, found.model_served ?? found.model ?? found.api),
    element("div", { class: "facts" }, facts.filter(([, value]) => value).map(([name, value]) =>
      element("span", {}, element("span", { class: "soft" }, `${name} `), value))),
    element("p", {}, found.signals.map(signalChip), found.feedback.map(feedbackChip), found.related.map((one) => chip(one.kind, "soft"))),
    element("div", {}, found.request.messages.map((message) => turn(message, ""))),
    element("div", {}, found.answers.map((message) => turn(message, "answer"))),
    found.signals.length ? element("div", {}, element("h2", {}, "Signals about this answer"), signalTable(found.signals, "shown_by")) : null,
    found.shows.length ? element("div", {}, element("h2", {}, "What this call says of earlier answers"), signalTable(found.shows, "about")) : null,
    found.feedback.length ? element("div", {}, element("h2", {}, "Feedback"), feedbackTable(found.feedback)) : null);
}

function session(found) {
  const id = found.session?.session_id ?? found.session_id;
  if (!id) return null;
  const how = found.session ? ` (${found.session.rule}, ${found.session.confidence.toFixed(2)})` : "";
  return element("span", {}, element("a", { class: "id", href: `#/traces?session_id=${encodeURIComponent(id)}` }, id.slice(0, 12)), how);
}

export function turn(message, kind) {
  const text = message.text ?? (message.char_count === null ? "" : `${message.char_count} characters, not kept`);
  const tools = (message.tool_calls ?? []).map((one) => element("p", {}, element("code", {}, `${one.name}(${one.arguments})`)));
  return element("div", { class: `turn ${kind}` }, element("span", { class: "soft" }, message.role ?? ""), element("pre", {}, text), tools);
}

function signalTable(signals, end) {
  const other = end === "about" ? "about" : "shown by";
  return table([["kind"], ["rule"], [other], ["detector"]], signals.map((one) => [
    signalChip(one),
    element("span", { title: JSON.stringify(one.evidence) }, String(one.evidence.rule ?? "")),
    element("a", { class: "id", href: `#/trace/${one[end].trace_id}` }, one[end].trace_id.slice(0, 12)),
    `${one.detector} ${one.detector_version}`,
  ]));
}

function feedbackTable(feedback) {
  return table([["said"], ["text"], ["source"], ["when"], ["status"]], feedback.map((one) => [
    feedbackChip(one),
    one.comment ?? (typeof one.value === "string" ? one.value : typeof one.value === "object" && one.value ? JSON.stringify(one.value) : ""),
    one.source ?? "",
    moment(one.given_ns),
    one.status ?? (one.candidates ? "ambiguous" : ""),
  ]));
}
