// What is nicer with a script: ages that stay true, a counter while writing, likes without a reload,
// badges that count up, and the X-ray strip. Every page works without it.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const MINUTE = 60000;

  // --- ages ------------------------------------------------------------------------------------

  function ago(then) {
    const minutes = Math.floor((Date.now() - then) / MINUTE);
    if (minutes < 1) return "now";
    if (minutes < 60) return `${minutes} min`;
    if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h`;
    if (minutes < 7 * 24 * 60) return `${Math.floor(minutes / 60 / 24)} d`;
    return null; // a date already
  }

  function tellAges() {
    for (const time of all("time[datetime]")) {
      const then = new Date(time.dateTime);
      if (!time.title) time.title = then.toLocaleString();
      const text = ago(then);
      if (text && text !== time.textContent) time.textContent = text;
    }
  }

  // --- writing ---------------------------------------------------------------------------------

  function countDown(area) {
    const left = document.getElementById(`${area.id}-left`);
    const limit = Number(area.dataset.limit);
    const show = () => {
      const number = limit - [...area.value.trim()].length;
      left.textContent = String(number);
      left.classList.toggle("over", number < 0);
    };
    area.addEventListener("input", show);
    area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) area.form.requestSubmit();
    });
    show();
  }

  // A form that is on its way is not sent a second time by an impatient finger.
  function sendOnce(event) {
    const form = event.target;
    if (form.dataset.sent) event.preventDefault();
    else if (form.method === "post" && !event.defaultPrevented) form.dataset.sent = "1";
  }

  // --- likes -----------------------------------------------------------------------------------

  function post(form) {
    const headers = { Accept: "application/json" };
    return fetch(form.action, { method: "POST", headers, body: new URLSearchParams(new FormData(form)) });
  }

  async function like(event) {
    const form = event.target.closest("form.like");
    if (!form) return;
    event.preventDefault();
    if (form.dataset.sent) return;
    form.dataset.sent = "1";
    try {
      const answer = await post(form);
      if (!answer.ok) throw new Error(String(answer.status));
      showLike(form, await answer.json());
      delete form.dataset.sent;
    } catch {
      form.submit(); // the plain way, which also says what is wrong
    }
  }

  function showLike(form, now) {
    const button = form.querySelector("button");
    form.action = form.action.replace(/(un)?like$/, now.liked ? "unlike" : "like");
    button.classList.toggle("liked", now.liked);
    button.title = now.liked ? "Liked: press to take it back" : "Like";
    button.querySelector(".vh").textContent = now.liked ? "Unlike" : "Like";
    form.querySelector(".n").textContent = now.likes || "";
  }

  // --- badges ----------------------------------------------------------------------------------

  function showBadge(name, number, what) {
    const badge = document.querySelector(`[data-badge="${name}"] .badge`);
    if (!badge) return;
    badge.hidden = number === 0;
    badge.replaceChildren(number < 100 ? String(number) : "99+", Object.assign(document.createElement("span"), { className: "vh", textContent: ` ${what}` }));
  }

  async function pollBadges() {
    if (document.visibilityState !== "visible") return;
    try {
      const answer = await fetch("/notifications/unread.json", { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const { notifications, requests } = await answer.json();
      showBadge("notifications", notifications, "new");
      showBadge("requests", requests, "waiting");
    } catch {
      // the next time will tell
    }
  }

  // Looking at the list is seeing it: the numbers go, the marks stay for this once.
  function markSeen() {
    const form = document.getElementById("seen");
    if (!form || document.visibilityState !== "visible") return;
    post(form).then((answer) => answer.ok && (form.hidden = true, pollBadges())).catch(() => {});
  }

  // --- X-ray -----------------------------------------------------------------------------------

  const BOXES = { local: "local cache", global: "global cache" };

  // Green is what a cache knew, at least in part; amber is what had to go further, down to the database.
  function hop(entry) {
    const span = document.createElement("span");
    const [name, said] = told(entry);
    const share = said.match(/^(\d+)\/\d+/);
    const isHit = share ? share[1] !== "0" : /\bhit\b/.test(said);
    const isMiss = share || entry.name === "database" || /\b(miss|pass)\b/.test(said);
    span.className = `hop${isHit ? " hit" : isMiss ? " miss" : ""}`;
    const value = Object.assign(document.createElement("b"), { textContent: [said, took(entry)].filter(Boolean).join(" ") });
    span.append(`${name} `, value);
    return span;
  }

  // "shard 1 replica b, 2 queries" names the box itself, and then says what it did.
  function told(entry) {
    const said = entry.description || "";
    const comma = said.lastIndexOf(", ");
    if (entry.name !== "database" || comma < 0) return [BOXES[entry.name] || entry.name, said];
    return [said.slice(0, comma).replace(/ (?=primary|replica|write)/g, " · "), said.slice(comma + 2)];
  }

  const took = (entry) => (entry.duration >= 0.05 ? `${entry.duration.toFixed(1)} ms` : "");
  const separator = (text) => Object.assign(document.createElement("span"), { className: "sep", textContent: text });

  function xray(strip) {
    const [page] = performance.getEntriesByType("navigation");
    const timing = (page && page.serverTiming) || [];
    if (!timing.length) return;
    const total = timing.find((entry) => entry.name === "total");
    const balancer = timing.find((entry) => entry.name === "balancer");
    const isSaid = (entry) => entry === total || (entry.name === "node" && balancer?.description === entry.description);
    const parts = [Object.assign(document.createElement("b"), { textContent: "X-ray" })];
    for (const entry of timing.filter((entry) => !isSaid(entry))) {
      if (parts.length > 1) parts.push(separator("→"));
      parts.push(hop(entry));
    }
    if (total) parts.push(separator("="), Object.assign(document.createElement("b"), { textContent: `${total.duration.toFixed(1)} ms` }));
    strip.replaceChildren(...parts);
    strip.hidden = false;
  }

  // --- all of it -------------------------------------------------------------------------------

  function closeMenus(event) {
    for (const menu of all("details.me[open], details.more[open]")) {
      if (!menu.contains(event.target) || event.key === "Escape") menu.open = false;
    }
  }

  tellAges();
  setInterval(tellAges, MINUTE);
  all("textarea[data-limit]").forEach(countDown);
  document.addEventListener("submit", like);
  document.addEventListener("submit", sendOnce);
  document.addEventListener("click", closeMenus);
  document.addEventListener("keydown", (event) => event.key === "Escape" && closeMenus(event));
  window.addEventListener("pageshow", () => all("form[data-sent]").forEach((form) => delete form.dataset.sent));
  for (const field of all("input.copy")) field.addEventListener("focus", () => field.select());
  all(".xray").forEach(xray);
  if (document.body.classList.contains("member")) {
    setInterval(pollBadges, 20000);
    document.addEventListener("visibilitychange", pollBadges);
    markSeen();
  }
})();
