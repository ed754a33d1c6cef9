"use strict";
// State timelines: a lane for each agent, a block for each state. Blocks of worse states are higher.

const LANE_PIXELS = 22;
const BLOCK = 0.9; // share of its lane that the highest block fills
const LEAST_TEXT_PIXELS = 11;

class TimelineKind {
  constructor(data, hidden) {
    this.data = data;
    this.hidden = data.states.map(([text]) => hidden.has(text));
    const { start, end } = shared;
    const edges = data.lanes.flatMap((lane) => lane.spans.flatMap(([from, to]) => [from, to]));
    const inside = edges.filter((at) => at > start && at < end);
    this.stops = [...new Set([start, ...inside, end])].sort((a, b) => a - b);
    this.table = [this.stops, this.stops.map(() => null)];
  }

  get leastHeight() {
    return LANE_PIXELS * this.data.lanes.length;
  }

  get range() {
    return [0, this.data.lanes.length];
  }

  get axis() {
    const names = this.data.lanes.map((lane) => lane.name);
    const texts = shortened(names).reverse();
    return { splits: names.map((_, number) => number + 0.5), values: () => texts, size: axisWidth(texts), grid: { show: false } };
  }

  get series() {
    return [{ show: true, points: { show: false } }];
  }

  paintBelow(u) {
    const lane = u.bbox.height / this.data.lanes.length;
    u.ctx.save();
    u.ctx.beginPath();
    u.ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    u.ctx.clip();
    this.data.lanes.forEach(({ spans }, number) => {
      const middle = u.bbox.top + (number + 0.5) * lane;
      for (const span of spans) this.block(u, span, middle, lane * BLOCK);
    });
    u.ctx.restore();
  }

  paint() {}

  block(u, [from, to, state], middle, most) {
    const [text, colour, share] = this.data.states[state];
    const [left, right] = [from, to].map((at) => u.valToPos(at, "x", true));
    const height = most * share;
    u.ctx.globalAlpha = this.hidden[state] ? 0.12 : 1;
    u.ctx.fillStyle = shade(colour);
    u.ctx.fillRect(left, middle - height / 2, Math.max(right - left, devicePixelRatio), height);
    const start = Math.max(left, u.bbox.left);
    u.ctx.font = font();
    const fits = height >= LEAST_TEXT_PIXELS * devicePixelRatio && u.ctx.measureText(text).width + 8 * devicePixelRatio <= right - start;
    if (!fits || this.hidden[state]) return;
    u.ctx.fillStyle = shade("panel");
    u.ctx.textAlign = "left";
    u.ctx.textBaseline = "middle";
    u.ctx.fillText(text, start + 4 * devicePixelRatio, middle + devicePixelRatio);
  }

  /** The state of each lane at the cursor; of the nearest lane also from when to when. */
  readout(u) {
    const at = u.posToVal(u.cursor.left, "x");
    const near = Math.floor((u.cursor.top / u.over.clientHeight) * this.data.lanes.length);
    let note = "";
    const rows = this.data.lanes.flatMap(({ name, spans }, number) => {
      const span = spans.find(([from, to]) => from <= at && at < to);
      if (!span) return [];
      const [text, colour] = this.data.states[span[2]];
      if (number === near) note = `${name}: ${text} from ${clockText(span[0])} to ${clockText(span[1])} (${lengthOf(span[1] - span[0])})`;
      return [{ name, colour, text, near: number === near }];
    });
    return { at, rows, note };
  }
}

function shortened(names) {
  const most = 24;
  return names.map((name) => (name.length > most ? `${name.slice(0, most - 1)}…` : name));
}
