// The console: which page is shown follows from the address behind `#`.

import { Refused, forgetToken, keepToken, takeToken } from "/console/admin.js";
import { element } from "/console/elements.js";
import { audit } from "/console/audit.js";
import { conversion } from "/console/conversion.js";
import { review } from "/console/review.js";
import { trace } from "/console/trace.js";
import { traces } from "/console/traces.js";

const PAGES = { traces, trace, audit, conversion, review };
const page = document.getElementById("page");
const leave = document.getElementById("leave");
let visit = 0;

function address() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/");
  return { name: PAGES[name] ? name : "traces", rest: decodeURIComponent(rest.join("/")), parameters: new URLSearchParams(query) };
}

async function show({ quietly = false } = {}) {
  const mine = quietly ? visit : ++visit;
  const { name, rest, parameters } = address();
  for (const link of document.querySelectorAll("nav a")) {
    link.toggleAttribute("aria-current", link.hash.startsWith(`#/${name}`));
  }
  leave.hidden = !takeToken();
  if (leave.hidden) return signIn();
  const again = (pause_ms) => setTimeout(() => {
    const busy = document.hidden || page.contains(document.activeElement) && document.activeElement !== page;
    if (mine !== visit) return;
    if (busy) again(pause_ms);
    else show({ quietly: true });
  }, pause_ms);
  try {
    await PAGES[name](page, parameters, again, rest);
    if (mine === visit && !quietly) page.focus({ preventScroll: true });
  } catch (error) {
    if (mine !== visit) return;
    if (error instanceof Refused && error.status === 401) return signIn(error.message);
    page.replaceChildren(element("h1", {}, "This could not be shown"), element("p", { class: "bad" }, error.message));
    if (error instanceof Refused) again(5000);
    else throw error;
  }
}

function signIn(problem = "") {
  const take = (event) => {
    event.preventDefault();
    keepToken(new FormData(event.currentTarget).get("token").trim());
    show();
  };
  page.replaceChildren(
    element("h1", {}, "The admin token"),
    element("p", {}, "It lies in the data directory, in the file ", element("code", {}, "admin-token"), "; ",
      element("code", {}, "backtalk console"), " prints an address that brings it along."),
    problem ? element("p", { class: "bad", role: "alert" }, problem) : null ?? "",
    element("form", { class: "bar", onsubmit: take },
      element("label", {}, "Token", element("input", { name: "token", type: "password", autocomplete: "off", required: true })),
      element("button", { class: "main" }, "Enter")));
}

leave.addEventListener("click", () => { forgetToken(); show(); });
addEventListener("hashchange", () => show());
show();
