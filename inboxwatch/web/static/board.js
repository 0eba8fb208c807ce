// Keeps pages current and times local. Everything works without it, only later.
"use strict";

document.documentElement.classList.add("js");

// What is said here stands in the page, in its language.
const words = JSON.parse(document.body.dataset.words ?? "{}");
const say = (name, values) => (words[name] ?? "").replace(/%\((\w+)\)s/g, (_, value) => values[value]);

const span = (all) => {
  const whole = Math.floor(Math.abs(all));
  const minutes = Math.floor(whole / 60) % 60, hours = Math.floor(whole / 3600), days = Math.floor(whole / 86400);
  if (days) return say(hours % 24 ? "dh" : "d", { days, hours: hours % 24 });
  if (hours) return say(minutes ? "hm" : "h", { hours, minutes: String(minutes).padStart(2, "0") });
  return minutes ? say("m", { minutes }) : say("s", { seconds: whole });
};

// The reader's own way of writing dates, where it is one of the page's language.
const spoken = document.documentElement.lang;
const locale = navigator.languages?.find((one) => one.split("-")[0] === spoken) ?? spoken;
const near = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const far = new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

const exact = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });

const localTimes = () => {
  const today = new Date().toDateString();
  for (const one of document.querySelectorAll("time[datetime]")) {
    const at = new Date(one.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    one.title = at.toString();
    const format = "precise" in one.dataset ? exact : at.toDateString() === today ? near : far;
    one.textContent = format.format(at);
  }
};

// The server's clock counts, not the reader's: what differs is kept apart.
let skew = 0;

// While the server cannot be reached, nobody knows how a wait stands: its clock stands still, and the page says since when.
let lost = false;

const tick = () => {
  if (lost) return;
  const now = Date.now() + skew;
  for (const one of document.querySelectorAll("[data-due]")) {
    const left = (Date.parse(one.dataset.due) - now) / 1000;
    one.textContent = say(left > 0 ? "due" : "overdue", { span: span(left) });
    one.classList.toggle("late", left <= 0);
  }
  for (const one of document.querySelectorAll("[data-since]")) {
    one.textContent = span((now - Date.parse(one.dataset.since)) / 1000);
  }
};

const setSkew = (page) => {
  const at = Date.parse(page.body.dataset.now);
  if (!Number.isNaN(at)) skew = at - Date.now();
};

// What is chosen but not sent yet stays chosen in a part that is read anew.
const choices = "select[id], input[type=checkbox][value]";
const same = (one) => one.id ? `#${CSS.escape(one.id)}` : `[name="${CSS.escape(one.name)}"][value="${CSS.escape(one.value)}"]`;
const keepChoices = (old, fresh) => {
  for (const one of old.querySelectorAll(choices)) {
    const twin = one.name && fresh.querySelector(same(one));
    if (twin && one.matches("select") && [...twin.options].some((option) => option.value === one.value)) twin.value = one.value;
    else if (twin && one.checked) twin.checked = true;
  }
};
const replace = (old, fresh) => {
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  for (const one of old.querySelectorAll("details[open][id]")) fresh.querySelector(`#${one.id}`)?.setAttribute("open", "");
  keepChoices(old, fresh);
  old.replaceWith(fresh);
  if (focused) document.getElementById(focused)?.focus();
};

let asking = false, again = false;

const refresh = async () => {
  // The answer to a refused form keeps what was typed, and its address takes no GET.
  if (document.body.dataset.live === "kept") return;
  if (asking) { again = true; return; }
  asking = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      setSkew(page);
      for (const id of ["live", "story"]) {
        const fresh = page.getElementById(id), old = document.getElementById(id);
        if (!fresh || !old) continue;
        // An open list of choices would close under the reader's finger: its part waits until one was chosen.
        if (document.activeElement.matches("select") && old.contains(document.activeElement)) {
          document.activeElement.addEventListener("blur", refresh, { once: true });
          continue;
        }
        replace(old, fresh);
      }
      // What is being typed stays, until there is nothing left to do.
      const deeds = page.getElementById("deeds"), stale = document.getElementById("deeds");
      if (deeds && stale && deeds.dataset.state !== stale.dataset.state) { replace(stale, deeds); tickAll(); }
      document.title = page.title;
      localTimes();
      tick();
    }
  } catch { /* the stream says so when the server is away */ }
  asking = false;
  if (again) { again = false; setTimeout(refresh, 300); }
};

const setLost = (now) => {
  const banner = document.getElementById("lost");
  if (banner && now && !lost) banner.querySelector("time").textContent = exact.format(new Date());
  if (banner) banner.hidden = !now;
  document.body.classList.toggle("lost", now);
  lost = now;
};

// One box ticks all of a name.
const tickAll = () => {
  for (const all of document.querySelectorAll("[data-all]")) {
    all.addEventListener("change", () => {
      for (const one of all.form.elements) if (one.name === all.dataset.all) one.checked = all.checked;
    });
  }
};

const listen = () => {
  const pulse = document.getElementById("pulse");
  const stream = new EventSource("/events");
  stream.addEventListener("hello", () => {
    pulse.hidden = false;
    pulse.textContent = words.live;
    pulse.classList.remove("lost");
    setLost(false);
  });
  stream.addEventListener("changed", refresh);
  stream.addEventListener("error", () => {
    pulse.hidden = false;
    pulse.textContent = words.lost;
    pulse.classList.add("lost");
    setLost(true);
  });
  // A stream that stays open keeps a page from the browser's back-forward cache.
  addEventListener("pagehide", () => stream.close());
};

const move = (by) => {
  const rows = [...document.querySelectorAll("a.row")];
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement);
  rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + by))].focus();
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "/") { document.getElementById("find")?.focus(); event.preventDefault(); }
});

const filters = document.getElementById("filters");
filters?.addEventListener("change", () => {
  // Empty choices stay out of the address.
  for (const one of filters.elements) if (one.name && !one.value) one.disabled = true;
  filters.submit();
});
addEventListener("pageshow", () => { for (const one of filters?.elements ?? []) one.disabled = false; });

setSkew(document);
localTimes();
tickAll();
if ("live" in document.body.dataset) {
  listen();
  setInterval(tick, 1000);
  setInterval(refresh, 60000);
}
