// The variables and the time range of a page, and the addresses that Grafana makes of them.
const { DataSourceVariable, EmbeddedScene, QueryVariable, SceneTimeRange, SceneVariableSet, sceneGraph, sceneUtils } = require('@grafana/scenes');

// Values are lists of names, or null for "All".
function variable(model, values) {
  const { name, hide, label, skipUrlSync } = model;
  if (model.type === 'datasource') {
    return new DataSourceVariable({ name, label, hide, pluginId: model.query, value: model.current.value, text: model.current.text });
  }
  const chosen = values?.[name] ?? (model.multi ? ['$__all'] : '');
  return new QueryVariable({
    name, label, hide, skipUrlSync, allValue: model.allValue, includeAll: model.includeAll, isMulti: model.multi,
    options: [].concat(chosen).map((value) => ({ label: value, value })), query: model.query, regex: model.regex,
    text: chosen, value: chosen,
  });
}

exports.sceneOf = (page, { from, to }, values) =>
  new EmbeddedScene({
    $timeRange: new SceneTimeRange({ from, to, timeZone: 'utc' }),
    $variables: new SceneVariableSet({ variables: page.templating.list.map((model) => variable(model, values)) }),
    body: new EmbeddedScene({}),
  });
exports.interpolator = (scene) => (text, scopedVars, format) => sceneGraph.interpolate(scene, text, scopedVars, format);
exports.addressOf = (scene) => sceneUtils.getUrlState(scene);

// The values that the variables of another page have after a link with `includeVars`.
exports.followed = (address, page, range) => {
  const scene = exports.sceneOf(page, range, null);
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(address)) {
    [].concat(value).forEach((each) => query.append(name, each));
  }
  sceneUtils.syncStateFromSearchParams(scene, query);
  return Object.fromEntries(scene.state.$variables.state.variables.map(({ state }) => [state.name, state.value]));
};
