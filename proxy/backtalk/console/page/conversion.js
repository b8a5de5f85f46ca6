// Conversion: which share of what was noticed and said became rows of datasets, and why not the rest.

import { ask } from "/console/admin.js";
import { element, percent, table } from "/console/elements.js";

const CONVERTED = new Set(["training", "evaluation"]);
const COLUMNS = [["what"], ["age"], ["count", "number"], ["became rows", "number"], ["share", "number"], ["why not"]];

export async function conversion(page, parameters) {
  page.replaceChildren(element("h1", {}, "Conversion"), element("p", { class: "soft" }, "The ledger is being read."));
  const days = Number(parameters.get("days") ?? 30);
  const since = BigInt(Date.now() - days * 86_400_000) * 1_000_000n;
  const found = await ask("/v1/conversion", { since_ns: since.toString() });
  const choice = [7, 30, 90].map((count) => element("a", { href: `#/conversion?days=${count}` }, `${count} days `));
  page.replaceChildren(
    element("h1", {}, "Conversion"),
    element("p", {}, `${found.total.converted.toLocaleString()} of ${found.total.count.toLocaleString()} signals and feedback of ${days} days became rows of datasets. `, element("span", {}, choice)),
    element("p", { class: "soft" }, "Each share with its 95 % interval. Every signal and feedback leaves by one exit: into a row, or for the reason beside it."),
    found.kinds.length ? table(COLUMNS, found.kinds.flatMap(rows)) : element("p", { class: "soft" }, "Nothing was noticed or said yet."),
  );
}

function rows(one) {
  const ages = Object.entries(one.ages).map(([age, part]) => ["", age, ...figures(part)]);
  return [[element("strong", {}, `${one.fact} ${one.kind}`), "", ...figures(one)], ...ages];
}

function figures(one) {
  const reasons = one.exits.filter((each) => !CONVERTED.has(each.exit));
  return [
    one.count.toLocaleString(),
    one.converted.toLocaleString(),
    element("span", {}, percent(one.share), element("small", {}, `${percent(one.low)} to ${percent(one.high)}`)),
    reasons.map((each) => `${each.exit.replaceAll("_", " ")} ${each.count.toLocaleString()}`).join(", "),
  ];
}
