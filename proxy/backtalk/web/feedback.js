/* Backtalk in a page: binds one answer's element to its feedback token and reports what the reader does and says.
 *
 * In: an element, the token and the ask of the answer's response (`x-feedback-token`, `x-feedback-ask`). Out: POSTs to
 * /v1/feedback as text/plain, which no browser asks leave for. The one rule: a page never waits for it or breaks by it.
 * Plain script: `backtalk.attach(...)`. ES module: `import { attach } from ".../feedback.js?module"`.
 */
(function (root) {
  "use strict";
  const WAIT_MS = 1000; // what is changed within it was never said
  const MOST_WAIT_MS = 60000;
  const MOST_ITEMS = 200; // waiting, all answers together
  const MOST_BATCH = 20;
  const MOST_KEPT_CHARS = 20000; // what outlives its page has 64 KiB, in UTF-8, with all that is under way
  const MOST_CELLS = 1e6; // of a distance's table
  const LEAST_DWELL_S = 1;
  const LABELS = {
    group: "Feedback on this answer", question: "Was this answer helpful?", up: "Good answer", down: "Bad answer",
    copy: "Copy", correct: "Correct", undo: "Undo", better: "What should the answer have been?", send: "Send",
    cancel: "Cancel", thanks: "Thank you", undone: "Taken back", copied: "Copied", failed: "Not sent",
  };
  const own = root.document && document.currentScript && document.currentScript.src;
  const attached = new WeakMap();
  const live = new Set();
  let queue = []; // what is not known to be durable, oldest first
  let timer = 0;
  let waitMs = WAIT_MS;
  let sending = false;

  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function enqueue(entry) {
    if (queue.length >= MOST_ITEMS) {
      const quiet = queue.findIndex((one) => one.item.kind === "event" && !one.away);
      queue.splice(Math.max(quiet, 0), 1); // behaviour goes before words
    }
    queue.push(entry);
    schedule(WAIT_MS);
  }

  /** Forget what was not sent yet; false where that is too late. */
  function drop(entry) {
    if (entry.tried || !queue.includes(entry)) return false;
    queue.splice(queue.indexOf(entry), 1);
    return true;
  }

  function schedule(ms) {
    if (!timer) timer = setTimeout(() => { timer = 0; send(); }, ms);
  }

  /** The waiting items by where they go; a request carries one token. What is superseded goes first. */
  function batches() {
    const found = new Map();
    for (const entry of queue) {
      if (entry.away || queue.includes(entry.before)) continue;
      if (!entry.tried && entry.before && entry.before.feedbackId) entry.item.supersedes = entry.before.feedbackId;
      const key = entry.url + "\n" + entry.token + "\n" + (entry.retracts || "");
      const batch = found.get(key) || [];
      if (batch.length < MOST_BATCH) found.set(key, batch.concat(entry));
    }
    return Array.from(found.values());
  }

  function bodyOf(batch) {
    batch.forEach((entry) => { entry.away = entry.tried = true; });
    return JSON.stringify({ token: batch[0].token, items: batch.map((entry) => entry.item) });
  }

  async function send() {
    if (sending) return;
    sending = true;
    let again = false;
    let pauseMs = 0;
    for (const batch of batches()) {
      const later = await post(batch);
      again = again || later !== null;
      pauseMs = Math.max(pauseMs, later || 0);
    }
    sending = false;
    waitMs = again ? Math.min(waitMs * 2, MOST_WAIT_MS) : WAIT_MS;
    if (batches().length) schedule(again ? Math.max(waitMs, pauseMs) : 0);
  }

  /** A POST asks no leave of the server (text/plain, the token in the body); taking back is a DELETE and must. */
  function requestOf(batch, body) {
    const { url, token, retracts } = batch[0];
    const kept = { keepalive: body.length < MOST_KEPT_CHARS, credentials: "omit" };
    if (retracts) {
      const headers = { "x-feedback-token": token };
      return [url + "/v1/feedback/" + retracts, Object.assign(kept, { method: "DELETE", headers })];
    }
    const headers = { "content-type": "text/plain" };
    return [url + "/v1/feedback", Object.assign(kept, { method: "POST", body, headers })];
  }

  /** Send one batch; null once it is settled, else how long the server wants to be left alone, in ms. */
  async function post(batch) {
    const body = bodyOf(batch);
    let answer = null;
    let said = {};
    try {
      answer = await fetch(...requestOf(batch, body));
      said = await answer.json();
    } catch (error) { /* offline, or a proxy's page: tried again */ }
    batch.forEach((entry) => { entry.away = false; });
    const passing = !answer || answer.status === 429 || answer.status === 408 || answer.status >= 500;
    if (passing) return 1000 * Number((answer && answer.headers.get("retry-after")) || 0) || 0;
    const results = said.items || [];
    batch.forEach((entry, at) => settle(entry, results[at], answer.ok, said));
    return batch.some((entry) => queue.includes(entry)) ? 0 : null;
  }

  function settle(entry, result, ok, said) {
    const failure = (result && result.error) || (ok ? null : said.error || {});
    if (failure && result && result.status >= 500) return; // this item alone is to be repeated
    queue = queue.filter((one) => one !== entry);
    if (result && result.feedback_id) entry.feedbackId = result.feedback_id;
    if (failure) entry.failed(failure);
    else if (entry.sent) entry.sent(entry.feedbackId);
  }

  /** The page may end now: beacons need nobody. They bring no answer, so all is sent again if the page lives on. */
  function leave() {
    live.forEach((answer) => answer.pause());
    let waiting = batches();
    while (waiting.length) {
      for (const batch of waiting) {
        const url = batch[0].url + "/v1/feedback";
        const sent = !batch[0].retracts && navigator.sendBeacon && navigator.sendBeacon(url, bodyOf(batch));
        if (sent) batch.forEach((entry) => { entry.beacon = true; });
        else post(batch);
      }
      waiting = batches();
    }
  }

  function comeBack() {
    queue.forEach((entry) => { if (entry.beacon) entry.away = entry.beacon = false; });
    schedule(0);
  }

  /** How far two texts are apart: 0 the same, 1 nothing in common. Long texts are compared by words. */
  function distance(before, after) {
    const most = Math.max(before.length, after.length);
    if (before === after) return 0;
    const words = before.length * after.length > MOST_CELLS;
    const a = words ? before.split(/\s+/) : Array.from(before);
    const b = words ? after.split(/\s+/) : Array.from(after);
    let start = 0;
    while (start < a.length && start < b.length && a[start] === b[start]) start++;
    let end = 0;
    while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
    const left = a.slice(start, a.length - end);
    const right = b.slice(start, b.length - end);
    const longest = words ? Math.max(a.length, b.length) : most;
    if (left.length * right.length > MOST_CELLS) return Math.max(left.length, right.length) / longest;
    let row = right.map((_, at) => at + 1);
    left.forEach((item, line) => {
      let diagonal = line;
      let cell = line + 1;
      row = row.map((above, at) => {
        cell = Math.min(above + 1, cell + 1, diagonal + (item === right[at] ? 0 : 1));
        diagonal = above;
        return cell;
      });
    });
    const edits = left.length && right.length ? row[row.length - 1] : left.length + right.length;
    return Math.min(1, edits / longest);
  }

  class Answer {
    constructor(element, options) {
      this.element = element;
      this.options = options;
      this.ask = ["none", "prominent"].includes(options.ask) ? options.ask : "inline";
      this.labels = Object.assign({}, LABELS, options.labels);
      this.url = (options.url || api.url || (own && new URL(own).origin) || "").replace(/\/+$/, "");
      this.said = {}; // what was said last, by what it is about: a later word supersedes it
      this.seenMs = 0;
      this.since = 0;
      this.visible = this.wasRead = this.wasShown = false;
      this.undoers = [];
      this.listen(element, "copy", () => this.event("copied"));
      if (options.textarea) this.track(options.textarea);
      if (options.stop) this.listen(options.stop, "click", () => { if (!this.ended) this.stopped(); });
      this.ended = !options.streaming;
      this.watch();
      if (this.ask !== "none") this.build();
      live.add(this);
    }

    listen(target, name, act) {
      target.addEventListener(name, act);
      this.undoers.push(() => target.removeEventListener(name, act));
    }

    text() {
      const given = this.options.text;
      return String(typeof given === "function" ? given() : given === undefined ? this.element.textContent : given);
    }

    /** Say something once; under a slot the latest word holds, and what was not sent yet is replaced. */
    say(item, slot) {
      const before = slot && this.said[slot];
      const full = Object.assign({ id: newId(), at: new Date().toISOString() }, item);
      const replaced = before && drop(before);
      const entry = {
        url: this.url, token: this.options.token, item: full, away: false, before: replaced ? before.before : before,
        failed: (failure) => this.failed(failure, full),
        sent: (id) => { if (this.options.onSent) this.options.onSent(id, full); },
      };
      if (slot) this.said[slot] = entry;
      enqueue(entry);
    }

    rate(value) { this.say({ kind: "rating", value: Boolean(value) }, "rating"); this.show("rating", value); }
    comment(text) { this.say({ kind: "comment", value: String(text) }, "comment"); }
    correct(text) { this.say({ kind: "correction", value: text }, "correction"); }
    event(value, more) { this.say(Object.assign({ kind: "event", value }, more)); }
    inserted() { this.event("inserted"); }
    accepted() { this.event("accepted"); }
    shared() { this.event("shared"); }
    undone() { this.event("undone"); }

    /** The reader stopped the answer before its end. */
    stopped() { this.event("stopped"); this.done(); }

    /** The answer is complete; one that ended in tool calls is no moment to ask. */
    done(finish) {
      this.ended = true;
      if (this.bar && finish !== "tool_calls") this.bar.hidden = false;
    }

    /** Take the last rating back: unsent it is dropped, sent it is retracted. */
    undo() {
      let entry = this.said.rating;
      if (!entry) return;
      delete this.said.rating;
      this.show("rating", null);
      if (drop(entry)) entry = entry.before;
      if (!entry) { /* it was never sent */ } else if (entry.feedbackId) this.retract(entry.feedbackId);
      else { entry.sent = (id) => this.retract(id); schedule(0); }
      this.tell("undone");
    }

    retract(id) {
      const failed = (failure) => this.failed(failure, { retracts: id });
      queue.push({ url: this.url, token: this.options.token, retracts: id, item: {}, away: false, failed });
      schedule(0);
    }

    failed(failure, item) {
      this.tell("failed");
      if (this.options.onError) this.options.onError(failure, item);
    }

    /** Watch an editor that holds a copy of the answer: how far it is from the answer when the reader leaves it. */
    track(textarea) {
      let last = 0;
      this.listen(textarea, "change", () => {
        const far = Math.round(1000 * distance(this.text(), textarea.value)) / 1000;
        if (far !== last) this.say({ kind: "event", value: "edited", distance: far }, "edited");
        last = far;
      });
    }

    /** Reading time: half of the answer, or of the window, is in sight of somebody. */
    watch() {
      if (!root.IntersectionObserver) return;
      const observer = new IntersectionObserver((entries) => this.seen(entries[entries.length - 1]), {
        threshold: [0, 0.1, 0.25, 0.5, 0.75, 1],
      });
      observer.observe(this.element);
      this.undoers.push(() => observer.disconnect());
      this.listen(document, "visibilitychange", () => this.tick(this.visible));
    }

    seen(entry) {
      const window_ = entry.rootBounds ? entry.rootBounds.height : root.innerHeight;
      const was = this.visible;
      const now = entry.intersectionRatio >= 0.5 || entry.intersectionRect.height >= window_ / 2;
      this.tick(now);
      if (now && this.bar && !this.bar.hidden) this.impression();
      if (was && !entry.isIntersecting && !this.wasRead) {
        this.wasRead = true;
        this.event("scrolled_away", { duration_s: this.seconds() });
      }
    }

    tick(visible) {
      const now = performance.now();
      if (this.since) this.seenMs += now - this.since;
      this.visible = visible;
      this.since = visible && document.visibilityState === "visible" ? now : 0;
    }

    seconds() { return Math.round(this.seenMs / 100) / 10; }

    /** The question was in sight: who does not answer now has seen it. */
    impression() {
      if (this.wasShown) return;
      this.wasShown = true;
      this.say({ kind: "survey", state: "shown", metric: "ask." + this.ask });
    }

    /** Report the reading time so far. */
    pause() {
      this.tick(this.visible);
      if (this.seconds() < LEAST_DWELL_S) return;
      this.event("dwell", { duration_s: this.seconds() });
      this.seenMs = 0;
    }

    detach() {
      this.tick(false);
      this.pause();
      this.undoers.splice(0).forEach((undo) => undo());
      if (this.bar) this.bar.remove();
      live.delete(this);
      if (attached.get(this.element) === this) attached.delete(this.element);
    }

    flush() { return send(); }

    /* What the reader sees: plain elements with classes. No style and no markup of strings, so a strict CSP holds. */

    build() {
      const bar = this.bar = this.make("div", "backtalk backtalk-" + this.ask, {
        role: "group", "aria-label": this.labels.group,
      });
      if (this.ask === "prominent") bar.append(this.make("span", "backtalk-question", {}, this.labels.question));
      this.up = this.button("up", "\u{1F44D}", () => this.toggle(true), { "aria-pressed": "false" });
      this.down = this.button("down", "\u{1F44E}", () => this.toggle(false), { "aria-pressed": "false" });
      const copy = this.button("copy", this.labels.copy, () => this.copy());
      this.opener = this.button("correct", this.labels.correct, () => this.open(this.form.hidden), {
        "aria-expanded": "false",
      });
      this.undoer = this.button("undo", this.labels.undo, () => { this.undo(); this.up.focus(); });
      this.undoer.hidden = true;
      this.status = this.make("span", "backtalk-status", { role: "status", "aria-live": "polite" });
      this.form = this.buildForm();
      bar.append(this.up, this.down, copy, this.opener, this.undoer, this.status, this.form);
      bar.hidden = Boolean(this.options.streaming);
      if (this.options.container) this.options.container.append(bar);
      else this.element.after(bar);
    }

    buildForm() {
      const form = this.make("form", "backtalk-form", {});
      const label = this.make("label", "backtalk-label", {}, this.labels.better);
      this.box = this.make("textarea", "backtalk-box", { rows: "6" });
      label.append(this.box);
      const submit = this.make("button", "backtalk-send", { type: "submit" }, this.labels.send);
      form.append(label, submit, this.button("cancel", this.labels.cancel, () => this.open(false)));
      form.hidden = true;
      form.addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
      form.addEventListener("keydown", (event) => {
        if (event.key === "Escape") this.open(false);
        else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.submit();
        else return;
        event.preventDefault();
      });
      return form;
    }

    make(name, className, attributes, text) {
      const made = document.createElement(name);
      made.className = className;
      for (const key of Object.keys(attributes)) made.setAttribute(key, attributes[key]);
      if (text !== undefined) made.textContent = text;
      return made;
    }

    button(name, text, act, attributes) {
      const said = { type: "button", "aria-label": this.labels[name] };
      const made = this.make("button", "backtalk-" + name, Object.assign(said, attributes), text);
      made.addEventListener("click", act);
      return made;
    }

    toggle(value) {
      if (this.rated === value) this.undo();
      else { this.rate(value); this.tell("thanks"); }
    }

    show(what, value) {
      this.rated = value;
      if (!this.bar) return;
      this.up.setAttribute("aria-pressed", String(value === true));
      this.down.setAttribute("aria-pressed", String(value === false));
      this.undoer.hidden = value === null;
    }

    open(opened) {
      this.form.hidden = !opened;
      this.opener.setAttribute("aria-expanded", String(opened));
      if (opened) { this.box.value = this.text(); this.box.focus(); } else this.opener.focus();
    }

    submit() {
      const text = this.box.value;
      if (text.trim() && text !== this.text()) { this.correct(text); this.tell("thanks"); }
      this.open(false);
    }

    async copy() {
      try {
        await navigator.clipboard.writeText(this.text());
        this.event("copied");
        this.tell("copied");
      } catch (error) { this.tell("failed"); }
    }

    tell(word) { if (this.status) this.status.textContent = this.labels[word]; }
  }

  const api = {
    url: "",
    /** Bind an answer's element to its token; binding it anew lets go of what was bound before. */
    attach(element, options) {
      if (!(element instanceof Element)) throw new TypeError("attach needs the answer's element");
      if (!options || typeof options.token !== "string") throw new TypeError("attach needs the answer's token");
      const before = attached.get(element);
      if (before) before.detach();
      const answer = new Answer(element, options);
      attached.set(element, answer);
      return answer;
    },
    /** Token and ask of a response of Backtalk, as `attach` takes them. */
    fromResponse(response) {
      const said = (name) => response.headers.get(name) || undefined;
      return { token: said("x-feedback-token"), ask: said("x-feedback-ask") };
    },
    distance,
  };
  if (root.document) {
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") leave();
      else comeBack();
    });
    addEventListener("pagehide", leave);
    addEventListener("pageshow", comeBack);
  }
  root.backtalk = api;
})(globalThis);
