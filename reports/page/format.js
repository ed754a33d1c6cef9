"use strict";
// Formats numbers and times as the server does.

function textOf(value, format, short = false) {
  const given = value * format.times;
  const sign = given < 0 && format.prefix ? "-" : "";
  const number = sign ? -given : given;
  const size = Math.abs(number);
  const fits = ([least, factor, divisor]) => (size ? least <= size : factor === 1 && divisor === 1);
  const [, factor, divisor, name] = format.scale.findLast(fits) ?? format.scale[0];
  const scaled = (number * factor) / divisor;
  const digits = digitsOf(scaled, format.decimals ?? decimalsFor(scaled));
  const unit = name.replace("(s)", Math.abs(scaled) > 1 ? "s" : "");
  return `${sign}${format.prefix}${short ? trimmed(digits) : digits}${unit}${format.suffix}`;
}

function digitsOf(value, places) {
  if (value === 0) {
    return value.toFixed(places);
  }
  const factor = 10 ** places;
  const text = String(Math.round(value * factor) / factor);
  if (text.includes("e")) {
    return text;
  }
  const [whole, fraction = ""] = text.split(".");
  return places || fraction ? `${whole}.${fraction.padEnd(places, "0")}` : whole;
}

// So many that three significant digits are shown, or two after a 1; none for whole numbers.
function decimalsFor(value) {
  if (value % 1 === 0) {
    return 0;
  }
  const magnitude = Math.floor(Math.log(Math.abs(value)) / Math.LN10);
  return Math.max(0, 1 - magnitude + (Math.abs(value) / 10 ** (magnitude - 1) > 2.25 ? 1 : 0));
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
  return `${trimmed(digitsOf(seconds / factor, 1))} ${name}`;
}
