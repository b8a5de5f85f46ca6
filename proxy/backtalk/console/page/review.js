// What a reviewer is asked: one answer at a time, without what anybody else said of it.

import { ask } from "/console/admin.js";
import { turn } from "/console/trace.js";
import { element, percent } from "/console/elements.js";

const NAME = "backtalk-reviewer";
const RUBRIC = "served";
// A label is read back a moment after it was given; nobody is asked again meanwhile.
const given = new Set();

export async function review(page) {
  const reviewer = localStorage.getItem(NAME);
  if (!reviewer) return page.replaceChildren(element("h1", {}, "Review"), introduction(page));
  const [found, agreed] = await Promise.all([ask("/v1/review", { reviewer, limit: 50 }), ask("/v1/review/agreement")]);
  const left = found.items.filter((one) => !given.has(`${reviewer} ${one.item}`));
  const waiting = found.waiting - (found.items.length - left.length);
  const [item] = left;
  page.replaceChildren(
    element("h1", {}, "Review"),
    element("p", { class: "soft" }, `${waiting} answers wait for ${reviewer}. `,
      element("button", { onclick: () => { localStorage.removeItem(NAME); review(page); } }, "Somebody else")),
    item ? question(page, item, reviewer) : element("p", {}, "Nothing waits. Answers are drawn by the chances under ",
      element("code", {}, "[feedback.audit]"), " in the settings."),
    agreement(agreed));
}

function introduction(page) {
  const take = (event) => {
    event.preventDefault();
    localStorage.setItem(NAME, new FormData(event.currentTarget).get("reviewer").trim());
    review(page);
  };
  return element("form", { class: "bar", onsubmit: take },
    element("label", {}, "Your name as a reviewer; only a pseudonym is kept",
      element("input", { name: "reviewer", required: true, maxlength: 100 })),
    element("button", { class: "main" }, "Begin"));
}

function question(page, item, reviewer) {
  const comment = element("textarea", { "aria-label": "Why, if it is worth a word" });
  const say = (value) => async (event) => {
    event.currentTarget.disabled = true;
    const body = { reviewer, value, rubric: RUBRIC, ...(comment.value.trim() ? { comment: comment.value.trim() } : {}) };
    await ask(`/v1/review/${item.item}`, {}, { method: "POST", body });
    given.add(`${reviewer} ${item.item}`);
    await review(page);
  };
  return element("section", { class: "card" },
    element("div", {}, item.request.messages.map((message) => turn(message, ""))),
    element("div", {}, item.answers.map((message) => turn(message, "answer"))),
    element("h2", {}, "Did this answer do its job?"),
    comment,
    element("p", {}, element("button", { class: "main", onclick: say(true) }, "Yes"), " ",
      element("button", { class: "main", onclick: say(false) }, "No")));
}

function agreement(found) {
  const told = Object.entries(found.rubrics).filter(([, { agreed }]) => agreed.cases);
  return element("div", {}, told.map(([rubric, { agreed }]) => element("p", { class: "soft" },
    `${rubric}: all reviewers agree on ${percent(agreed.value)} of ${agreed.cases} answers (${percent(agreed.low)} to ${percent(agreed.high)}).`)));
}
