// What Grafana's libraries expect of a browser and of packages that only draw: stand-ins that do nothing.
const Module = require('module');

const DRAWING = /^(@grafana\/(ui|runtime|e2e-selectors)|@emotion\/\w+|@floating-ui\/\w+|ol|react-grid-layout|react-i18next|react-select|react-use|@react-hookz\/web)(\/|$)/;

// A function that may be called, constructed and asked for anything.
const nothing = () => new Proxy(function () {}, {
  apply: () => nothing(),
  construct: () => nothing(),
  get: (target, name) => (name === Symbol.toPrimitive ? () => '' : name === '__esModule' ? true : name === 'then' ? undefined : name === 'prototype' ? target.prototype : nothing()),
});

const load = Module._load;
Module._load = function (request, ...rest) {
  return DRAWING.test(request) ? nothing() : load.call(this, request, ...rest);
};

const target = new EventTarget();
const element = () => ({ appendChild() {}, classList: { add() {} }, getContext: () => null, setAttribute() {}, style: {} });
Object.assign(target, {
  devicePixelRatio: 1,
  history: { replaceState() {} },
  location: { href: 'http://grafana/', origin: 'http://grafana', pathname: '/', search: '', protocol: 'http:', host: 'grafana' },
  matchMedia: () => ({ addEventListener() {}, matches: false }),
  grafanaBootData: { settings: {}, user: {} },
});
const document = Object.assign(new EventTarget(), {
  createElement: element,
  createTextNode: element,
  documentElement: element(),
  getElementsByTagName: () => [element()],
  head: element(),
  body: element(),
  implementation: {},
  querySelectorAll: () => [],
  querySelector: () => null,
});
const navigator = { language: 'en-US', languages: ['en-US'], userAgent: 'node' };
for (const [name, value] of Object.entries({ document, navigator, window: target, self: target })) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}
for (const name of ['devicePixelRatio', 'matchMedia', 'location', 'history']) {
  Object.defineProperty(globalThis, name, { value: target[name], configurable: true, writable: true });
}
globalThis.IntersectionObserver = globalThis.ResizeObserver = class {
  observe() {}
};
globalThis.addEventListener = () => {};
target.document = document;
target.navigator = navigator;
