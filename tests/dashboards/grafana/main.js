// Reads pages with recorded answers from standard input, and writes what Grafana shows of them.
require('./surroundings');
const { readFileSync } = require('fs');
const { formattedValueToString, getValueFormat } = require('@grafana/data');
const { panelOf, colourOf } = require('./screen');
const { addressOf, followed, interpolator, sceneOf } = require('./scene');

async function shownOf({ page, range, values, answers }) {
  const replace = interpolator(sceneOf(page, range, values));
  const panels = {};
  for (const panel of page.panels.filter(({ type }) => type !== 'row')) {
    panels[panel.title] = await panelOf(structuredClone(panel), answers[panel.id], replace);
  }
  return panels;
}

async function main() {
  const { now, recordings, pages, colours, numbers, units } = JSON.parse(readFileSync(0, 'utf8'));
  Date.now = () => now * 1000; // of relative times
  const range = { from: 'now-6h', to: 'now' };
  const addresses = pages.map((page) => addressOf(sceneOf(page, range, null)));
  process.stdout.write(
    JSON.stringify({
      shown: await Promise.all(recordings.map(shownOf)),
      addresses,
      links: addresses.map((address) => pages.map((page) => followed(address, page, range))),
      texts: units.map((unit) => numbers.map((number) => formattedValueToString(getValueFormat(unit)(number)))),
      colours: Object.fromEntries(colours.map((name) => [name, colourOf(name)])),
    }),
  );
}

main();
