// What each kind of panel shows of its data frames: names, texts, colours and links.
const {
  applyFieldOverrides, colorManipulator, createTheme, displayNameOverrideProcessor, FieldConfigOptionsRegistry, formattedValueToString,
  getFieldDisplayName, getFieldDisplayValues, getFieldSeriesColor, locationUtil, sortDataFrame, standardTransformers,
  standardTransformersRegistry, transformDataFrame,
} = require('@grafana/data');
const { lastValueFrom } = require('rxjs');
const { framesOf } = require('./frames');

const theme = createTheme();
const PROPERTIES = ['unit', 'min', 'max', 'decimals', 'displayName', 'noValue', 'color', 'thresholds', 'mappings', 'links'];
const CUSTOM = ['cellOptions', 'hidden', 'hideFrom.viz', 'minWidth'];
const property = (name, isCustom) => ({
  id: isCustom ? `custom.${name}` : name,
  path: name,
  isCustom,
  name,
  process: name === 'displayName' ? displayNameOverrideProcessor : (value) => value,
  shouldApply: () => true,
});
const registry = new FieldConfigOptionsRegistry(() => [
  ...PROPERTIES.map((name) => property(name, false)),
  ...CUSTOM.map((name) => property(name, true)),
]);
standardTransformersRegistry.setInit(() =>
  ['mergeTransformer', 'filterFieldsByNameTransformer', 'organizeFieldsTransformer'].map((key) => {
    const transformation = standardTransformers[key];
    return { id: transformation.id, name: transformation.name, transformation: () => Promise.resolve(transformation), editor: () => null };
  }),
);
locationUtil.initialize({ config: { appSubUrl: '' }, getTimeRangeForUrl: () => ({}), getVariablesUrlParams: () => ({}) });

const overridden = (panel, data, replaceVariables) =>
  applyFieldOverrides({ data, fieldConfig: panel.fieldConfig, fieldConfigRegistry: registry, replaceVariables, theme, timeZone: 'utc' });
const linkOf = (field, valueRowIndex) => (field.getLinks?.({ valueRowIndex }) ?? []).find(({ href }) => href)?.href ?? '';
const valuesOf = (frames) => frames.flatMap((frame) => frame.fields.filter(({ type }) => type !== 'time').map((field) => ({ field, frame })));
const shown = (display) => ({ text: formattedValueToString(display), colour: display.color ? colorManipulator.asHexString(display.color) : '' });

function tiles(panel, frames, replaceVariables) {
  const { reduceOptions, textMode } = panel.options;
  const found = getFieldDisplayValues({ data: frames, fieldConfig: panel.fieldConfig, reduceOptions, replaceVariables, theme, timeZone: 'utc' });
  const named = found.length > 1 || textMode === 'value_and_name' || panel.type === 'bargauge';
  return found.map((value) => ({
    name: named ? value.display.title ?? '' : '',
    ...shown(value.display),
    link: value.hasLinks ? value.getLinks({}).find(({ href }) => href)?.href ?? '' : '',
  }));
}

const lines = (panel, frames) =>
  valuesOf(frames).map(({ field, frame }) => ({
    name: getFieldDisplayName(field, frame, frames),
    colour: getFieldSeriesColor(field, theme).color,
    fixed: field.config.color?.mode === 'fixed',
    text: formattedValueToString(field.display(field.values.at(-1))),
    link: linkOf(field, field.values.length - 1),
  }));

const lanes = (panel, frames) =>
  valuesOf(frames).map(({ field, frame }) => ({
    name: getFieldDisplayName(field, frame, frames),
    link: linkOf(field, field.values.length - 1),
    states: field.values.map((value) => shown(field.display(value))).filter((state, at, all) => state.text !== all[at - 1]?.text),
  }));

async function table(panel, frames, replaceVariables) {
  let [frame] = await lastValueFrom(transformDataFrame(panel.transformations, frames));
  for (const { displayName, desc } of [...panel.options.sortBy].reverse()) {
    const place = frame.fields.findIndex((field) => getFieldDisplayName(field, frame) === displayName);
    frame = place < 0 ? frame : sortDataFrame(frame, place, desc);
  }
  const [made] = overridden(panel, [frame], replaceVariables);
  const fields = made.fields.filter(({ config }) => !config.custom?.hideFrom?.viz);
  const cell = (field, row) => {
    const display = shown(field.display(field.values[row]));
    const coloured = field.config.custom?.cellOptions?.type === 'color-text';
    return { text: display.text, colour: coloured ? display.colour : '', link: linkOf(field, row) };
  };
  return {
    columns: fields.map((field) => getFieldDisplayName(field, made)),
    rows: Array.from({ length: made.length }, (_, row) => fields.map((field) => cell(field, row))),
  };
}

// The panel needs a field `id` of its own for each edge; it calculates the nodes.
async function nodeGraph(panel, frames, replaceVariables) {
  const [frame] = await lastValueFrom(transformDataFrame(panel.transformations, frames));
  const [made] = overridden(panel, [frame], replaceVariables);
  const [id, source, target, amount] = ['id', 'source', 'target', 'mainstat'].map((name) => made.fields.find((field) => getFieldDisplayName(field, made) === name));
  if (new Set(id.values).size !== made.length) {
    throw new Error('two edges have one id');
  }
  const edges = Array.from({ length: made.length }, (_, row) => ({
    source: source.values[row],
    target: target.values[row],
    text: formattedValueToString(amount.display(amount.values[row])),
    amount: amount.values[row],
  }));
  edges.sort((a, b) => b.amount - a.amount || (a.source + a.target < b.source + b.target ? -1 : 1));
  return { shown: edges.map(({ amount: _, ...edge }) => edge) };
}

const KINDS = { bargauge: tiles, stat: tiles, 'state-timeline': lanes, timeseries: lines };

// A panel without any data shows the text of `noValue`, but for tiles, which have it as their value.
exports.panelOf = async (panel, answers, replaceVariables) => {
  const frames = framesOf(panel, answers);
  const empty = !frames.some(({ length }) => length);
  if (empty && panel.type !== 'stat') {
    return { empty: panel.fieldConfig.defaults.noValue };
  }
  if (panel.type === 'table') {
    return table(panel, frames, replaceVariables);
  }
  if (panel.type === 'nodeGraph') {
    return nodeGraph(panel, frames, replaceVariables);
  }
  return { shown: KINDS[panel.type](panel, overridden(panel, frames, replaceVariables), replaceVariables) };
};
exports.colourOf = (name) => colorManipulator.asHexString(theme.visualization.getColorByName(name));
