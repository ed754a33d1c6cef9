"use strict";
// Shows records, newest first. Only the rows in view are in the document, so that any number scrolls smoothly. Older
// records are fetched near the end of the list, newer ones while the page is live. It requests only this page's rows.

const MOST_ROWS = 100000;
const MOST_CHARACTERS = 200e6; // of all responses; the page stays usable
const LIVE_SECONDS = 10;
const SPARE = 12; // rows above and below the view
const list = document.getElementById("records");
const rows = document.getElementById("rows");
const notes = document.getElementById("notes");
const drawn = document.getElementById("drawn");
const details = document.getElementById("details");
const live = document.getElementById("live");
const form = document.getElementById("conditions");
const isTasks = list.classList.contains("tasks");

let records = [];
let keys = new Set();
let oldest = null; // where older records begin, in milliseconds; null for none
let fetching = false;
let received = 0; // characters
let chosen = -1;
let latestLoop = 0; // of requests for newer records; one that was switched off and on again has ended
const drawnRows = new Map(); // elements by index

const two = (number) => String(number).padStart(2, "0");

function when(milliseconds) {
  const at = new Date(milliseconds);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return `${day} ${time}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

function took(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${Math.round(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function cell(kind, text) {
  const span = document.createElement("span");
  span.className = kind;
  span.textContent = text ?? "";
  return span;
}

function cells(record) {
  const common = [cell("agent", record.agent), cell("server", record.server), cell("action", record.action)];
  if (!isTasks) return [cell("when", when(record.at)), cell("level", record.level), ...common, cell("text", record.text)];
  return [
    cell("when", when(record.started)),
    cell("took", took(record.seconds)),
    cell("outcome", record.outcome),
    cell("tokens", record.tokens === null ? "" : String(Math.round(record.tokens))),
    cell("cost", record.cost),
    ...common,
    cell("text", record.text),
  ];
}

function rowHeight() {
  return parseFloat(getComputedStyle(document.body).getPropertyValue("--row"));
}

function draw() {
  const height = rowHeight();
  rows.style.height = `${records.length * height}px`;
  const first = Math.max(0, Math.floor(list.scrollTop / height) - SPARE);
  const last = Math.min(records.length, Math.ceil((list.scrollTop + list.clientHeight) / height) + SPARE);
  for (const [index, element] of drawnRows) {
    if (index >= first && index < last) continue;
    element.remove();
    drawnRows.delete(index);
  }
  for (let index = first; index < last; index += 1) {
    if (!drawnRows.has(index)) drawnRows.set(index, newRow(index, height));
  }
  if (last > records.length - 4 * SPARE) fetchOlder();
}

function newRow(index, height) {
  const element = document.createElement("div");
  element.className = records[index].level;
  element.setAttribute("role", "listitem");
  if (index === chosen) element.setAttribute("aria-current", "true");
  element.style.transform = `translateY(${index * height}px)`;
  element.append(...cells(records[index]));
  element.addEventListener("click", () => choose(index));
  rows.append(element);
  return element;
}

function redraw() {
  rows.replaceChildren();
  drawnRows.clear();
  draw();
}

function choose(index) {
  drawnRows.get(chosen)?.removeAttribute("aria-current");
  chosen = index;
  drawnRows.get(index)?.setAttribute("aria-current", "true");
  const record = records[index];
  details.hidden = !record;
  if (!record) return;
  const close = Object.assign(document.createElement("button"), { type: "button", textContent: "Close" });
  close.addEventListener("click", () => choose(-1));
  details.replaceChildren(close, fieldsOf(record), ...longTexts(record));
  details.scrollTop = 0;
}

function fieldsOf(record) {
  const shown = { time: when(record.at), agent: record.agent, server: record.server, category: record.category };
  const table = document.createElement("dl");
  const all = { ...shown, action: record.action, text: record.text, model: record.model, ...record.fields };
  for (const [name, value] of Object.entries(all)) {
    if (value === undefined || value === "") continue;
    const line = document.createElement("div");
    line.append(Object.assign(document.createElement("dt"), { textContent: name }));
    line.append(Object.assign(document.createElement("dd"), { textContent: value }));
    table.append(line);
  }
  return table;
}

function longTexts(record) {
  const texts = [record.details.join("\n"), record.json].filter(Boolean);
  return texts.map((text) => Object.assign(document.createElement("pre"), { textContent: text }));
}

async function request(changes) {
  const query = new URLSearchParams(new FormData(form));
  for (const [name, value] of Object.entries(changes)) query.set(name, value);
  const answer = await fetch(`${list.dataset.rows}?${query}`, { signal: AbortSignal.timeout(60000) });
  const text = await answer.text();
  received += text.length;
  const page = JSON.parse(text);
  if (!answer.ok) throw new Error(page.error);
  return page;
}

function add(page) {
  const fresh = page.rows.filter((row) => !keys.has(row.key));
  for (const row of fresh) keys.add(row.key);
  return fresh;
}

async function load(changes, take) {
  if (fetching) return;
  fetching = true;
  try {
    const page = await request(changes);
    take(page);
    notes.replaceChildren(...page.warnings.map(note));
    drawn.classList.remove("late");
    const more = oldest === null ? "" : "+";
    drawn.textContent = records.length ? `${records.length}${more} ${isTasks ? "tasks" : "records"}` : "Nothing matches.";
  } catch (error) {
    drawn.classList.add("late");
    drawn.textContent = error.name === "TimeoutError" ? "No answer within a minute." : error.message;
  }
  fetching = false;
}

function note(text) {
  return Object.assign(document.createElement("li"), { textContent: text });
}

async function fetchOlder() {
  if (oldest === null || fetching || records.length >= MOST_ROWS || received >= MOST_CHARACTERS) return;
  // The end is excluded, and times are rounded to whole milliseconds: records of the last one are asked for again.
  await load({ to: String(Math.floor(oldest) + 1) }, (page) => {
    const fresh = add(page);
    records = records.concat(fresh);
    oldest = fresh.length ? page.oldest : null;
  });
  draw();
}

async function fetchNewer() {
  await load({}, (page) => {
    const fresh = add(page);
    if (!fresh.length) return;
    const before = records[chosen];
    // More came than one response holds: what lies between is not known, so the list begins anew.
    if (page.oldest !== null && fresh.length === page.rows.length) startAnew(page);
    records = fresh.concat(records).sort((one, other) => other.at - one.at);
    if (list.scrollTop > 0) list.scrollTop += fresh.length * rowHeight();
    chosen = before ? records.indexOf(before) : -1;
  });
  redraw();
}

function startAnew(page) {
  records = [];
  keys = new Set(page.rows.map((row) => row.key));
  oldest = page.oldest;
  received = 0;
}

async function keepLive() {
  const loop = ++latestLoop;
  while (live.checked && loop === latestLoop) {
    if (!document.hidden) await fetchNewer();
    await new Promise((done) => setTimeout(done, LIVE_SECONDS * 1000));
  }
}

function move(by) {
  const index = Math.min(records.length - 1, Math.max(0, chosen + by));
  const height = rowHeight();
  if (index * height < list.scrollTop) list.scrollTop = index * height;
  if ((index + 1) * height > list.scrollTop + list.clientHeight) list.scrollTop = (index + 1) * height - list.clientHeight;
  draw();
  choose(index);
}

list.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
list.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Escape") choose(-1);
  if (!step) return;
  event.preventDefault();
  move(step);
});
addEventListener("resize", redraw);
live.addEventListener("change", keepLive);
for (const select of form.querySelectorAll("select")) select.addEventListener("change", () => form.requestSubmit());

load({}, (page) => {
  records = add(page);
  oldest = page.oldest;
}).then(redraw);
