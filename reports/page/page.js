"use strict";
// Loads the page again without leaving it: at intervals, and for another time range. It requests only this page.

const REQUEST_MILLISECONDS = 60000;
const WIDTH_TOLERANCE = 0.1; // so much wider or narrower, graphs have points enough
const WATCH_MILLISECONDS = 250;
const SEARCH_MILLISECONDS = 150; // without a further letter, until values are asked for
const LEAST_SECONDS = 10; // of a range that is zoomed to
const FRESH = ["nav", "#controls", "#range"]; // parts of the header that follow the time range
const LOCAL_TIME = /^\d{4}-\d\d-\d\dT/;
const live = document.body.hasAttribute("data-live");
const main = document.querySelector("main");
const drawn = document.getElementById("drawn");
const sources = new Map(); // HTML of each panel as it was sent, by id
let latest = 0; // number of the last request
const pause = document.getElementById("pause");
let loadedAt = Date.now();
let paused = false;
let chosen = false; // whether a control was changed since the page was shown

/** Let the server draw for this width and time zone; returns whether what it sent was drawn for others. */
function sendWidthAndZone() {
  const inner = getComputedStyle(main);
  const width = Math.round(main.clientWidth - parseFloat(inner.paddingLeft) - parseFloat(inner.paddingRight));
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  document.cookie = `width=${width}; path=/; samesite=strict`;
  document.cookie = `zone=${encodeURIComponent(zone)}; path=/; samesite=strict`;
  const near = Math.abs(width - shared.width) <= width * WIDTH_TOLERANCE;
  const own = clockOf(zone);
  return !near || [shared.start, shared.end].some((at) => own.format(at * 1000) !== clockText(at));
}

/** Load an address of this page; `arrived` is called before it is shown. Returns whether it could be loaded. */
async function load(url, arrived = () => {}) {
  const number = ++latest;
  main.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(REQUEST_MILLISECONDS) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(text.trim().slice(0, 200) || answer.statusText);
    if (number !== latest) return false; // a later request is under way
    arrived();
    show(new DOMParser().parseFromString(text, "text/html"));
    return true;
  } catch (error) {
    if (number === latest) drawn.textContent = `Not refreshed: ${error.message}`;
    drawn.classList.toggle("late", number === latest);
    return false;
  } finally {
    loadedAt = Date.now();
    if (number === latest) main.removeAttribute("aria-busy");
  }
}

function show(page) {
  for (const part of FRESH) refreshControls(document.querySelector(part), page.querySelector(part));
  chosen = false;
  drawn.textContent = page.getElementById("drawn").textContent;
  drawn.classList.remove("late");
  const fresh = page.querySelector("main");
  const moved = main.dataset.page !== fresh.dataset.page;
  main.dataset.page = fresh.dataset.page;
  share(main);
  put([...fresh.children], moved);
}

/** A menu that is open would close; what has the focus keeps it where the page was asked for by that very control. */
function refreshControls(old, fresh) {
  if (old.source === fresh.outerHTML) return; // of ten thousand agents, the list to choose from takes long to exchange
  const focused = old.contains(document.activeElement) ? document.activeElement.name : "";
  if ((focused || old.open) && !chosen) return;
  const { scrollLeft } = old;
  fresh.source = fresh.outerHTML;
  old.replaceWith(document.adoptNode(fresh));
  fresh.scrollLeft = scrollLeft;
  if (focused) fresh.elements?.namedItem(focused)?.focus();
}

/** Replace the panels that changed, and all graphs if the time range moved. */
function put(news, moved) {
  const same = news.length === main.children.length && news.every((now, number) => now.id === main.children[number].id);
  if (!same) {
    main.replaceChildren(...news.map((now) => document.adoptNode(now)));
    remember();
    drawCharts(main);
    return;
  }
  [...main.children].forEach((old, number) => {
    const now = news[number];
    const chart = now.querySelector("[data-chart]");
    if (sources.get(now.id) === now.outerHTML && !(chart && moved)) return;
    sources.set(now.id, now.outerHTML);
    exchange(old, document.adoptNode(now));
  });
}

/** Replace a panel; what was scrolled and focused stays so. */
function exchange(old, now) {
  const focused = ["[data-chart]", ".scroll"].find((part) => old.querySelector(part) === document.activeElement);
  const seen = old.querySelector(".scroll, .plot");
  const [top, left] = seen ? [seen.scrollTop, seen.scrollLeft] : [0, 0];
  old.replaceWith(now);
  drawCharts(now);
  const again = now.querySelector(".scroll, .plot");
  if (again) [again.scrollTop, again.scrollLeft] = [top, left];
  if (focused) now.querySelector(focused)?.focus({ preventScroll: true });
}

function remember() {
  for (const part of FRESH) {
    const element = document.querySelector(part);
    if (element) element.source = element.outerHTML;
  }
  for (const panel of main.children) sources.set(panel.id, panel.outerHTML);
}

function zoomIn(from, to) {
  const middle = (from + to) / 2;
  const half = Math.max(to - from, LEAST_SECONDS) / 2;
  if (!live) return zoomHere([middle - half, middle + half]);
  const url = new URL(location.href);
  url.searchParams.set("from", Math.round((middle - half) * 1000));
  url.searchParams.set("to", Math.round((middle + half) * 1000));
  return load(url, () => history.pushState({ zoomed: true }, "", url));
}

/** Back to the range before the last zoom; a page that was opened as it is shows twice its range. */
function zoomOut() {
  if (!live) return zoomHere(null);
  if (history.state?.zoomed) return history.back();
  const { start, end } = shared;
  return zoomIn(start - (end - start) / 2, Math.min(end + (end - start) / 2, Date.now() / 1000));
}

/** Zoom without a server, to what the page has. */
function zoomHere(range) {
  for (const chart of charts.values()) {
    chart.zoomed = range;
    chart.draw();
  }
}

function isHeld() {
  const busy = main.hasAttribute("aria-busy");
  return paused || busy || document.hidden || [...charts.values()].some((chart) => chart.plot.select.width > 0);
}

async function keepFresh() {
  pause.hidden = false;
  if (sendWidthAndZone()) await load(location.href);
  for (;;) {
    await new Promise((done) => setTimeout(done, WATCH_MILLISECONDS));
    const seconds = Number(document.getElementById("controls").dataset.refresh);
    if (seconds && Date.now() - loadedAt >= seconds * 1000 && !isHeld()) await load(location.href);
  }
}

function submit(form) {
  const url = new URL(location.href);
  const given = [...new FormData(form)].filter(([, value]) => value !== "");
  url.search = new URLSearchParams(given.map(([name, value]) => [name, LOCAL_TIME.test(value) ? Date.parse(value) : value]));
  chosen = true;
  return load(url, () => history.pushState({}, "", url));
}

/** Suggest values while people type; of an answer that comes late, nothing is shown. */
async function suggest(field) {
  const text = field.value;
  await new Promise((done) => setTimeout(done, SEARCH_MILLISECONDS));
  if (field.value !== text) return;
  const url = new URL(field.dataset.search, location.href);
  for (const [name, value] of new FormData(field.form)) if (name !== field.name && value) url.searchParams.set(name, value);
  url.searchParams.set("text", text);
  const answer = await fetch(url, { signal: AbortSignal.timeout(REQUEST_MILLISECONDS) }).catch(() => null);
  if (!answer?.ok || field.value !== text) return;
  const { values } = await answer.json();
  field.list.replaceChildren(...values.map((value) => Object.assign(document.createElement("option"), { value })));
}

document.addEventListener("input", (event) => {
  if (live && event.target.dataset?.search) suggest(event.target);
});
document.addEventListener("change", (event) => {
  if (live && event.target.closest("#controls")) submit(event.target.form);
});
document.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!(chosen && event.target.id === "controls")) submit(event.target); // Enter in a field changes it, too
});
pause?.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? "Resume" : "Pause";
});
window.addEventListener("popstate", () => load(location.href));
/** On a narrow screen the list of pages is one line that scrolls. */
function showCurrentPage() {
  const nav = document.querySelector("nav");
  const current = nav?.querySelector("[aria-current]");
  if (current) nav.scrollLeft = current.offsetLeft - (nav.clientWidth - current.offsetWidth) / 2;
}

remember();
share(main);
drawCharts(main);
showCurrentPage();
if (live) keepFresh();
