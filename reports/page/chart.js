"use strict";
// What graphs and timelines have in common: colours, one cursor for the whole page, values at it, zoom, keyboard.

const MOST_ROWS = 25; // of the values at the cursor
const MOST_MARKS = 3;
const MARK_SPACING = 12;
const MARK_PIXELS = 6; // distance at which the text of an annotation is shown
const MARKED_KEYS = { ArrowLeft: -1, ArrowRight: 1 };
const charts = new Map(); // by the id of their panel
const shades = new Map();
let shared = { start: 0, end: 1, zone: "UTC", marks: [] };
let clock = clockOf("UTC");
let active = null; // the chart whose values are shown

const tip = Object.assign(document.createElement("div"), { id: "tip", hidden: true });
tip.setAttribute("role", "status");
document.body.append(tip);

function shade(name) {
  if (!shades.has(name)) shades.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return shades.get(name);
}

function font() {
  return `${11 * devicePixelRatio}px ${getComputedStyle(document.body).fontFamily}`;
}

function axisWidth(texts) {
  return 12 + 6.6 * Math.max(...texts.map((text) => text.length));
}

function clockText(at) {
  return clock.format(at * 1000);
}

function stroke(ctx, colour, dashes, from, to) {
  ctx.save();
  ctx.strokeStyle = shade(colour);
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash(dashes.map((dash) => dash * devicePixelRatio));
  ctx.beginPath();
  ctx.moveTo(...from);
  ctx.lineTo(...to);
  ctx.stroke();
  ctx.restore();
}

class Chart {
  constructor(box, hidden = new Set()) {
    this.box = box;
    this.panel = box.closest("section");
    this.data = JSON.parse(box.dataset.chart);
    this.hidden = hidden;
    this.zoomed = null; // part of the range, where no server can be asked for it
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", `${this.data.title}. Arrow keys move the cursor, plus and minus zoom, Escape resets.`);
    box.addEventListener("keydown", (event) => this.press(event));
    box.addEventListener("blur", () => this.leave());
    this.draw();
    new ResizeObserver(() => this.fit()).observe(box);
  }

  get range() {
    return this.zoomed ?? [shared.start, shared.end];
  }

  draw() {
    this.plot?.destroy();
    this.kind = new (this.data.kind === "graph" ? GraphKind : TimelineKind)(this.data, this.hidden);
    const { width, height } = this.size();
    this.box.replaceChildren();
    this.plot = new uPlot(this.options(width, height), this.kind.table, this.box);
    this.plot.over.addEventListener("mouseenter", () => (active = this));
    this.plot.over.addEventListener("mouseleave", () => this.leave());
    for (const key of this.panel.querySelectorAll("[data-key]"))
      key.setAttribute("aria-pressed", String(!this.hidden.has(key.dataset.key)));
  }

  fit() {
    const size = this.size();
    if (size.width !== this.plot.width || size.height !== this.plot.height) this.plot.setSize(size);
  }

  size() {
    const { clientWidth, clientHeight } = this.box;
    return { width: clientWidth, height: Math.max(clientHeight, (this.kind.leastHeight ?? 0) + 28) };
  }

  options(width, height) {
    const grid = { stroke: shade("grid"), width: 1 };
    const axis = { stroke: shade("faint"), font: `11px ${getComputedStyle(document.body).fontFamily}`, grid, ticks: { show: false } };
    const times = this.zoomed ? evenTimes(...this.zoomed) : this.data.times;
    return {
      width,
      height,
      padding: [8, 14, 0, 0],
      legend: { show: false },
      scales: { x: { time: false, range: () => this.range }, y: { range: () => this.kind.range } },
      series: [{}, ...this.kind.series],
      axes: [
        { ...axis, size: 24, gap: 8, splits: times.map(([at]) => at), values: (u) => timeLabels(u, times) },
        { ...axis, gap: 6, ...this.kind.axis },
      ].map((each) => ({ ...each, splits: () => each.splits })),
      cursor: {
        y: false,
        drag: { x: true, y: false, setScale: false, dist: 4 },
        points: { show: this.data.kind === "graph" && !this.data.stacked },
        sync: { key: "page", setSeries: false, scales: ["x", null], filters: { pub: (type) => type === "mousemove" } },
        bind: { dblclick: () => () => zoomOut() },
      },
      hooks: {
        drawAxes: [(u) => this.kind.paintBelow(u)],
        draw: [(u) => this.kind.paint(u), paintMarks],
        setCursor: [() => active === this && showValues(this)],
        setSelect: [(u) => this.select(u)],
      },
    };
  }

  select(u) {
    const { left, width } = u.select;
    if (width <= 0) return;
    const [from, to] = [left, left + width].map((x) => u.posToVal(x, "x"));
    u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    zoomIn(from, to);
  }

  leave() {
    if (active !== this) return;
    active = null;
    tip.hidden = true;
  }

  /** Show only one line, or all again; with `added`, hide or show just this one. */
  toggle(name, added) {
    const names = [...this.panel.querySelectorAll("[data-key]")].map((key) => key.dataset.key);
    const others = names.filter((other) => other !== name);
    if (added) this.hidden.has(name) ? this.hidden.delete(name) : this.hidden.add(name);
    else {
      const alone = !this.hidden.has(name) && others.every((other) => this.hidden.has(other));
      this.hidden = new Set(alone ? [] : others);
    }
    this.draw();
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.act(event)) return;
    event.preventDefault();
  }

  act({ key, shiftKey }) {
    const last = this.kind.stops.length - 1;
    if (key === "Escape") return this.reset();
    if (key in MARKED_KEYS) return this.move(this.place() + MARKED_KEYS[key] * (shiftKey ? 10 : 1));
    if (key === "Home") return this.move(0);
    if (key === "End") return this.move(last);
    if (key === "ArrowUp" || key === "ArrowDown") return this.move(this.place(), key === "ArrowUp" ? -1 : 1);
    if (key === "+" || key === "=") return this.zoomAround(0.25);
    if (key === "-") return this.zoomAround(1);
    return false;
  }

  /** Number of the stop at the cursor; the last one if there is no cursor. */
  place() {
    const { stops } = this.kind;
    if (this.plot.cursor.left < 0) return stops.length;
    const at = this.plot.posToVal(this.plot.cursor.left, "x");
    return stops.reduce((best, stop, number) => (Math.abs(stop - at) < Math.abs(stops[best] - at) ? number : best), 0);
  }

  move(place, down = 0) {
    const { plot, kind } = this;
    const stop = kind.stops[Math.max(0, Math.min(kind.stops.length - 1, place))];
    const height = plot.over.clientHeight;
    const top = plot.cursor.top < 0 ? height / 2 : plot.cursor.top + (down * height) / 10;
    active = this;
    plot.setCursor({ left: plot.valToPos(stop, "x"), top: Math.max(1, Math.min(height - 1, top)) }, true, true);
    return true;
  }

  zoomAround(share) {
    const [from, to] = this.range;
    const left = this.plot.cursor.left;
    const at = left < 0 ? (from + to) / 2 : this.plot.posToVal(left, "x");
    zoomIn(at - (to - from) * share, at + (to - from) * share);
    return true;
  }

  reset() {
    const marked = this.plot.cursor.left >= 0 || this.hidden.size > 0;
    this.leave();
    this.plot.setCursor({ left: -10, top: -10 }, true, true);
    if (this.hidden.size > 0) {
      this.hidden = new Set();
      this.draw();
    }
    if (!marked) zoomOut();
    return true;
  }
}

/** The labels of the time axis, without those that would be cut off. */
function timeLabels(u, times) {
  const left = u.bbox.left / devicePixelRatio;
  return times.map(([at, text]) => {
    const half = 3.3 * text.length;
    const middle = left + u.valToPos(at, "x");
    return middle < half || middle + half > u.width ? "" : text;
  });
}

function evenTimes(from, to) {
  const count = 5;
  return Array.from({ length: count }, (_, place) => from + ((to - from) * (place + 0.5)) / count).map((at) => [at, clockText(at).slice(-8)]);
}

function paintMarks(u) {
  const { top, height, left, width } = u.bbox;
  u.ctx.save();
  u.ctx.globalAlpha = 0.6;
  const crowded = shared.marks.length * MARK_SPACING > u.over.clientWidth; // then their lines would hide the graph
  for (const [at, , colour] of shared.marks) {
    const x = u.valToPos(at, "x", true);
    if (x < left || x > left + width) continue;
    if (!crowded) stroke(u.ctx, colour, [3, 3], [x, top], [x, top + height]);
    const flag = 4 * devicePixelRatio;
    u.ctx.fillStyle = shade(colour);
    u.ctx.beginPath();
    u.ctx.moveTo(x - flag, top + height + flag);
    u.ctx.lineTo(x, top + height);
    u.ctx.lineTo(x + flag, top + height + flag);
    u.ctx.fill();
  }
  u.ctx.restore();
}

function showValues(chart) {
  const u = chart.plot;
  const { left, top } = u.cursor;
  tip.hidden = left < 0;
  if (tip.hidden) return;
  const { at, rows, note } = chart.kind.readout(u);
  const marks = shared.marks.filter(([mark]) => Math.abs(u.valToPos(mark, "x") - left) <= MARK_PIXELS);
  const table = document.createElement("table");
  table.append(...rows.slice(0, MOST_ROWS).map(valueRow));
  const more = rows.length > MOST_ROWS ? [`and ${rows.length - MOST_ROWS} more`] : [];
  const flags = marks.slice(0, MOST_MARKS).map(([mark, title]) => `⚑ ${title}, ${clockText(mark)}`);
  if (marks.length > MOST_MARKS) flags.push(`⚑ and ${marks.length - MOST_MARKS} more`);
  const lines = [...more, ...(note ? [note] : []), ...flags];
  const texts = lines.map((textContent) => Object.assign(document.createElement("p"), { textContent }));
  tip.replaceChildren(Object.assign(document.createElement("b"), { textContent: clockText(at) }), table, ...texts);
  placeTip(u.over.getBoundingClientRect(), left, top);
}

function valueRow({ name, text, colour, near }) {
  const row = document.createElement("tr");
  row.className = near ? "near" : "";
  const cells = [near ? "▸" : "", name, text].map((textContent) => Object.assign(document.createElement("td"), { textContent }));
  cells[1].className = `key ink-${colour}`;
  row.append(...cells);
  return row;
}

function placeTip(box, left, top) {
  const { offsetWidth: width, offsetHeight: height } = tip;
  const x = box.left + left + 14;
  const fits = x + width <= innerWidth - 8;
  tip.style.left = `${Math.max(8, fits ? x : box.left + left - width - 14)}px`;
  tip.style.top = `${Math.max(8, Math.min(box.top + top + 14, innerHeight - height - 8))}px`;
}

/** Draw the charts below an element; one that cannot be drawn says so, and the others stay. */
function drawCharts(below) {
  for (const box of below.querySelectorAll("[data-chart]")) {
    const { id } = box.closest("section");
    const before = charts.get(id);
    try {
      const chart = new Chart(box, before?.hidden);
      charts.set(id, chart);
      if (before) succeed(chart, before);
    } catch (error) {
      const text = `This graph cannot be drawn: ${error.message}`;
      box.replaceChildren(Object.assign(document.createElement("p"), { className: "failed", textContent: text }));
    }
  }
}

/** Give a chart the cursor of the one that it replaces. */
function succeed(chart, before) {
  const { left, top } = before.plot.cursor;
  if (active === before) active = chart;
  before.plot.destroy();
  if (left >= 0) queueMicrotask(() => chart.plot.setCursor({ left, top }, true, false)); // uPlot draws first
}

function redrawCharts() {
  shades.clear();
  for (const chart of charts.values()) chart.draw();
}

function share(main) {
  shared = JSON.parse(main.dataset.page);
  clock = clockOf(shared.zone);
}

document.addEventListener("click", (event) => {
  const key = event.target.closest?.("[data-key]");
  if (key) charts.get(key.closest("section").id)?.toggle(key.dataset.key, event.ctrlKey || event.metaKey);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawCharts);
