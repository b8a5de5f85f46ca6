// What a reviewer is asked: one answer at a time, without what anybody else said of it.

import { ask } from "/console/admin.js";
import { element } from "/console/elements.js";

export async function review(page) {
  const found = await ask("/v1/review", { limit: 1 });
  page.replaceChildren(element("h1", {}, "Review"), element("p", { class: "soft" }, "Answers drawn at random, with a known chance, for a judgement of record."),
    element("pre", {}, JSON.stringify(found, null, 1)));
}
