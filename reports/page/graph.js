"use strict";
// Graphs: lines, or stacked bars.

const SHADED_LINES = 4; // more shaded areas would hide one another
const MOST_TICKS = 5;
const RETAIN_NULL = 1; // of uPlot.join: null is a gap, undefined only a time of another line

class GraphKind {
  constructor(data, hidden) {
    this.data = data;
    this.lines = [...data.lines].sort((a, b) => a.grid - b.grid); // as uPlot.join orders its columns
    if (data.stacked) this.lines.reverse(); // the highest bar is drawn first, and partly covered by the next
    this.shown = this.lines.map((line) => !hidden.has(line.name));
    const [x, ...values] = this.columns();
    this.values = values;
    this.heights = data.stacked ? stacked(values, this.shown) : values;
    this.table = [x, ...this.heights];
    this.ticks = this.shown.every(Boolean) ? data.ticks : this.finerTicks();
  }

  columns() {
    const tables = this.data.grids.map((grid, number) => {
      const x = Array.from({ length: grid.count }, (_, place) => grid.from + place * grid.step);
      const lines = this.lines.filter((line) => line.grid === number);
      return [x, ...lines.map((line) => x.map((_, place) => line.values[place - line.first] ?? null))];
    });
    return tables.length > 1 ? uPlot.join(tables, tables.map((table) => table.map(() => RETAIN_NULL))) : tables[0];
  }

  finerTicks() {
    const [low, next] = this.data.ticks;
    const top = Math.max(low, ...this.heights.flatMap((column, line) => (this.shown[line] ? column.filter(Number.isFinite) : [])));
    const binary = this.data.formats[0].scale[1]?.[0] === 1024;
    let step = next - low;
    const parts = binary ? [2] : [2, 2.5, 2];
    for (let count = 0; top > low; count++) {
      const finer = step / parts[count % parts.length];
      if ((top - low) / finer > MOST_TICKS) break;
      step = finer;
    }
    const last = top > low ? Math.ceil((top - low) / step - 1e-9) : this.data.ticks.length - 1;
    return Array.from({ length: last + 1 }, (_, place) => low + place * step);
  }

  get range() {
    return [this.ticks[0], this.ticks.at(-1)];
  }

  get axis() {
    const texts = this.ticks.map((tick) => textOf(tick, this.data.formats[0], true));
    return { splits: this.ticks, values: () => texts, size: axisWidth(texts) };
  }

  get series() {
    return this.lines.map((line, number) => this.data.stacked ? bars(line, this.shown[number]) : curve(line, this.shown[number], this.lines.length));
  }

  get stops() {
    return this.table[0];
  }

  /** Spans without data. */
  paintBelow(u) {
    const { left, top, width, height } = u.bbox;
    u.ctx.fillStyle = shade("grid");
    for (const span of this.data.unknown) {
      const [from, to] = span.map((at) => Math.max(left, Math.min(left + width, u.valToPos(at, "x", true))));
      u.ctx.fillRect(from, top, to - from, height);
    }
  }

  paint(u) {
    for (const [value, colour] of this.data.limits) level(u, value, colour);
  }

  /** The values at the cursor: the highest first, the nearest marked. */
  readout(u) {
    const { idx, idxs, top } = u.cursor;
    const rows = this.lines.flatMap((line, number) => {
      const place = idxs[number + 1];
      const value = place == null ? null : this.values[number][place];
      if (!this.shown[number] || value == null) return [];
      const distance = Math.abs(u.valToPos(this.heights[number][place], "y") - top);
      return [{ name: line.name, colour: line.colour, value, text: textOf(value, this.data.formats[line.format]), distance }];
    });
    const nearest = Math.min(...rows.map((row) => row.distance));
    rows.forEach((row) => (row.near = row.distance === nearest));
    return { at: this.table[0][idx], rows: rows.sort((a, b) => b.value - a.value) };
  }
}

function stacked(columns, shown) {
  const sums = columns[0].map(() => 0);
  const heights = [];
  for (let number = columns.length - 1; number >= 0; number--) {
    heights[number] = columns[number].map((value, place) =>
      value == null || !shown[number] ? value : (sums[place] += value),
    );
  }
  return heights;
}

function curve(line, show, count) {
  const stroke = shade(line.colour);
  const alone = (u, number) => {
    const column = u.data[number];
    return column.flatMap((value, place) => (value != null && isEdge(column, place, -1) && isEdge(column, place, 1) ? [place] : []));
  };
  const fill = count <= SHADED_LINES ? `${stroke}14` : undefined;
  return { show, stroke, fill, width: 1.5, points: { show: true, size: 4, fill: stroke, filter: alone } };
}

/** Whether no value follows in a direction before a gap. */
function isEdge(column, place, direction) {
  let next = place + direction;
  while (column[next] === undefined && next >= 0 && next < column.length) next += direction;
  return column[next] == null;
}

function bars(line, show) {
  const fill = shade(line.colour);
  return { show, fill, width: 0, paths: uPlot.paths.bars({ size: [0.8, Infinity] }), points: { show: false } };
}

function level(u, value, colour) {
  const { left, width } = u.bbox;
  const y = u.valToPos(value, "y", true);
  stroke(u.ctx, colour, [6, 4], [left, y], [left + width, y]);
}
