// Prometheus' answers as the data frames that Grafana's data source makes of them.
const { FieldType, toDataFrame } = require('@grafana/data');

const LABEL = /\{\{\s*(\w+)\s*\}\}/g;
const named = (labels, legend) => legend.replace(LABEL, (_, name) => labels[name] ?? '');

const timeField = (seconds) => ({ name: 'Time', type: FieldType.time, config: {}, values: seconds.map((at) => at * 1000) });

function series(target, { labels, points }) {
  const field = {
    name: 'Value',
    type: FieldType.number,
    labels,
    config: { displayNameFromDS: named(labels, target.legendFormat) },
    values: points.map(([, value]) => value),
  };
  return toDataFrame({ refId: target.refId, fields: [timeField(points.map(([at]) => at)), field] });
}

function table(target, found, isOnly) {
  const names = [...new Set(found.flatMap(({ labels }) => Object.keys(labels)))].sort();
  const texts = names.map((name) => ({
    name,
    type: FieldType.string,
    config: { filterable: true },
    values: found.map(({ labels }) => labels[name] ?? ''),
  }));
  const value = {
    name: isOnly ? 'Value' : `Value #${target.refId}`,
    type: FieldType.number,
    config: {},
    values: found.map(({ points }) => points.at(-1)[1]),
  };
  const times = timeField(found.map(({ points }) => points.at(-1)[0]));
  return toDataFrame({ refId: target.refId, fields: found.length ? [times, ...texts, value] : [] });
}

// Buckets in ascending order, each without what the ones below it hold.
function histogram(target, found) {
  const bound = ({ labels }) => (labels.le === '+Inf' ? Infinity : Number(labels.le));
  const sorted = [...found].sort((left, right) => bound(left) - bound(right));
  const fields = sorted.map(({ labels, points }, at) => {
    const below = at ? sorted[at - 1].points.at(-1)[1] : 0;
    const name = named(labels, target.legendFormat);
    return { name, type: FieldType.number, labels, config: { displayNameFromDS: name }, values: [points.at(-1)[1] - below] };
  });
  return toDataFrame({ refId: target.refId, fields: sorted.length ? [timeField([sorted[0].points.at(-1)[0]]), ...fields] : [] });
}

// JSON writes NaN and infinity as texts.
const numbers = (found) => found.map(({ labels, points }) => ({ labels, points: points.map(([at, value]) => [at, Number(value)]) }));

exports.framesOf = (panel, texts, answers = texts.map(numbers)) =>
  panel.targets.flatMap((target, at) => {
    if (target.format === 'table') {
      return [table(target, answers[at], panel.targets.length === 1)];
    }
    return target.format === 'heatmap' ? [histogram(target, answers[at])] : answers[at].map((found) => series(target, found));
  });
