// Keeps a page fresh: counts clocks down, follows the live stream, and replaces the parts that changed.
// A part that somebody types in, or has typed in, is left alone. Without this file everything works by reloading.
"use strict";
(() => {
  const main = document.querySelector("main");
  if (!main) return;
  const skew = Date.parse(main.dataset.now) - Date.now();
  const RISK = 0.2;

  // -- clocks ---------------------------------------------------------------------------------------------------
  const two = (n) => String(n).padStart(2, "0");
  const span = (seconds) => {
    const whole = Math.abs(Math.trunc(seconds));
    const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
    const text = (hours ? `${hours}:${two(minutes)}` : `${minutes}`) + `:${two(whole % 60)}`;
    return seconds < 0 ? `+${text}` : text;
  };
  const set = (node, text) => { if (node && node.textContent !== text) node.textContent = text; };

  function tick() {
    const now = Date.now() + skew;
    for (const node of document.querySelectorAll("[data-due]")) {
      const left = (Date.parse(node.dataset.due) - now) / 1000, whole = Number(node.dataset.whole) || 1;
      const clock = node.closest(".clock");
      set(node, span(left));
      if (!clock) continue;
      set(clock.querySelector(".unit"), left < 0 ? "over" : "left");
      const bar = clock.querySelector(".bar .f");
      if (bar) bar.setAttribute("width", left > 0 ? Math.max(0, Math.min(100, 100 * left / whole)).toFixed(1) : "100");
      if (clock.dataset.st !== "late") {
        if (left < 0) clock.dataset.st = "late";
        else if (left < whole * RISK) clock.dataset.st = "risk";
      }
    }
    for (const node of document.querySelectorAll("[data-since]")) {
      set(node, span((now - Date.parse(node.dataset.since)) / 1000));
    }
  }

  function localTimes(root) {
    for (const node of root.querySelectorAll("time[datetime]")) {
      if (!node.title) node.title = `${new Date(node.dateTime).toLocaleString()} (your time)`;
    }
  }

  // -- fragments ------------------------------------------------------------------------------------------------
  // The page as the server sent it: what ticks and one-time tokens do not count as a change.
  const plain = (html) => html.replace(/ name="once" value="[^"]*"/g, "").replace(/ is-new/g, "");
  const served = new Map();
  for (const part of document.querySelectorAll("[data-live]")) served.set(part.id, plain(part.outerHTML));

  const touched = (field) => {
    if (field.getAttribute("form") === "picks") return false;
    if (field.tagName === "SELECT") {
      const chosen = [...field.options].filter((o) => o.defaultSelected);
      const first = chosen.length ? chosen[0] : field.options[0];
      return first !== undefined && field.value !== first.value;
    }
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    return field.type !== "hidden" && field.value !== field.defaultValue;
  };
  const busy = (part) => part.contains(document.activeElement)
    || [...part.querySelectorAll("input, textarea, select")].some(touched);

  let waiting = false;
  function apply(text) {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const newest = Math.max(0, ...[...document.querySelectorAll("[data-seq]")].map((n) => Number(n.dataset.seq)));
    waiting = false;
    for (const part of document.querySelectorAll("[data-live]")) {
      const next = fresh.getElementById(part.id);
      if (!next) continue;
      const html = plain(next.outerHTML);
      if (html === served.get(part.id)) continue;
      if (busy(part)) { waiting = true; continue; }
      served.set(part.id, html);
      const node = document.adoptNode(next);
      keepOpen(part, node);
      part.replaceWith(node);
      localTimes(node);
    }
    adopt(fresh);
    document.title = fresh.title;
    announce(newest);
    tick();
  }

  // What was chosen or opened stays so, as far as the new part still has it.
  function keepOpen(part, node) {
    for (const old of part.querySelectorAll("details[id]")) {
      const same = node.querySelector(`#${CSS.escape(old.id)}`);
      if (same) same.open = old.open;
    }
    for (const old of part.querySelectorAll('input[form="picks"]:checked')) {
      const same = node.querySelector(`input[name="${old.name}"][value="${CSS.escape(old.value)}"]`);
      if (same) same.checked = true;
    }
  }

  // Cards that were not there before, such as the first alert.
  function adopt(fresh) {
    for (const next of fresh.querySelectorAll("[data-live]")) {
      if (document.getElementById(next.id)) continue;
      const before = next.previousElementSibling && document.getElementById(next.previousElementSibling.id);
      if (!before) continue;
      served.set(next.id, plain(next.outerHTML));
      before.after(document.adoptNode(next));
    }
  }

  function announce(newest) {
    const lines = [...document.querySelectorAll("[data-seq]")].filter((n) => Number(n.dataset.seq) > newest);
    for (const line of lines) line.classList.add("is-new");
    const words = lines.slice(0, 3).map((n) => n.querySelector(".b").innerText.replace(/\s+/g, " ").trim());
    if (!words.length) return;
    const loud = lines.some((n) => n.dataset.k === "breach");
    document.getElementById(loud ? "alarmed" : "said").textContent = words.join(". ");
  }

  // The page as it would be with that form; a form that is not at hand comes only when it is chosen.
  const chosen = () => document.querySelector('input[form="picks"][name="do"]:checked')?.value;
  function pageWith(form) {
    const asked = new URLSearchParams(location.search);
    if (form) asked.set("do", form);
    if (form && form !== "note") asked.delete("replaces");
    return location.pathname + (asked.size ? `?${asked}` : "");
  }
  const sideOf = (form) => document.querySelector(`[data-side="${CSS.escape(form)}"]`);
  async function bring(form) {
    if (sideOf(form)) return;
    try {
      const answer = await fetch(pageWith(form), { headers: { Accept: "text/html" } });
      if (!answer.ok || sideOf(form)) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const box = document.getElementById("compose");
      for (const node of fresh.querySelectorAll(`[data-side="${CSS.escape(form)}"]`)) box.append(document.adoptNode(node));
    } catch {
      say("no connection, trying again", true);
    }
  }

  let asking = false, again = false;
  async function refresh() {
    if (asking) { again = true; return; }
    asking = true;
    try {
      const answer = await fetch(pageWith(chosen()), { headers: { Accept: "text/html" } });
      if (answer.redirected) say("signed out: reload the page", true);
      else if (answer.status === 403) location.reload();
      else if (answer.ok) apply(await answer.text());
    } catch {
      say("no connection, trying again", true);
    } finally {
      asking = false;
      if (again) { again = false; refresh(); }
    }
  }

  document.addEventListener("focusout", () => setTimeout(() => { if (waiting) refresh(); }, 0));

  // -- stream ---------------------------------------------------------------------------------------------------
  const line = document.querySelector("[data-line]");
  function say(text, bad) {
    if (!line) return;
    set(line, text);
    line.dataset.bad = bad ? "yes" : "";
  }
  if (main.dataset.stream && window.EventSource) {
    const source = new EventSource(main.dataset.stream);
    let broke = false;
    source.onopen = () => { say("live"); if (broke) refresh(); broke = false; };
    source.onerror = () => { broke = true; say("no connection, trying again", true); };
    source.onmessage = () => refresh();
    addEventListener("pagehide", () => source.close());
    addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  } else if (line) {
    line.hidden = true;
  }

  // -- choosing what to do --------------------------------------------------------------------------------------
  function pick(verb) {
    const radio = document.querySelector(`[data-pick-of="${CSS.escape(verb)}"]`);
    if (!radio) return false;
    radio.checked = true;
    const group = radio.closest("[data-group]");
    const tab = group && document.querySelector(`[data-group-of="${CSS.escape(group.dataset.group)}"]`);
    if (tab) tab.checked = true;
    if (sideOf(verb)) enter(verb);
    else bring(verb).then(() => enter(verb));
    return true;
  }
  function enter(verb) {
    const side = sideOf(verb);
    const field = side && side.querySelector("textarea, input:not([type=hidden]), select, button");
    if (field) { field.focus({ preventScroll: true }); side.scrollIntoView({ block: "center" }); }
  }
  document.addEventListener("change", (event) => {
    if (event.target.matches('input[form="picks"][name="do"]')) bring(event.target.value);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-pick]");
    if (link && pick(link.dataset.pick)) event.preventDefault();
  });
  const KEYS = {
    n: "note", d: "decide", u: "update", m: "mitigate", r: "resolve", t: "task-open", b: "gate-check", a: "action-add",
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const key = event.key.toLowerCase();
    if (key === "c" && location.pathname !== "/declare" && document.querySelector('a[href="/declare"]')) {
      event.preventDefault();
      location.href = "/declare";
    } else if (KEYS[key] && pick(KEYS[key])) {
      event.preventDefault();
    }
  });

  // One press is one command.
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    for (const button of event.target.querySelectorAll("button[type=submit]")) {
      setTimeout(() => { button.disabled = true; }, 0);
      setTimeout(() => { button.disabled = false; }, 5000);
    }
  });

  localTimes(document);
  tick();
  setInterval(tick, 1000);
})();
