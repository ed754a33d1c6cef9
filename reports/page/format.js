"use strict";
// Formats numbers and times as the server does.

function textOf(value, format) {
  const number = value * format.times;
  const size = Math.abs(number);
  const base = format.scale.find(([factor]) => factor >= 1);
  const [factor, name] = size ? (format.scale.findLast(([least]) => least <= size) ?? format.scale[0]) : base;
  const tiny = size > 0 && size < format.least;
  const digits = tiny ? trimmed(value.toFixed(5)) : digitsOf(number / factor, factor === 1 ? format.decimals : null);
  return `${format.prefix}${digits}${name}${format.suffix}`;
}

function digitsOf(value, decimals) {
  const size = Math.abs(value);
  const places = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return trimmed(value.toFixed(decimals === null ? places : Math.min(places, decimals)));
}

function trimmed(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function clockOf(zone) {
  const shown = { month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  try {
    return new Intl.DateTimeFormat("en-US", { ...shown, timeZone: zone });
  } catch {
    return new Intl.DateTimeFormat("en-US", shown); // an old browser, which knows no offsets
  }
}

function lengthOf(seconds) {
  const [factor, name] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].find(([least]) => seconds >= least) ?? [1, "s"];
  return `${digitsOf(seconds / factor, 1)} ${name}`;
}
