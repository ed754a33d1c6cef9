"use strict";
// Refreshes the page by itself, and shows the values at the pointer. It requests only this page.

const main = document.querySelector("main");
const drawn = document.getElementById("drawn");

function sendWidthAndZone() {
  const inner = getComputedStyle(main);
  const width = Math.round(main.clientWidth - parseFloat(inner.paddingLeft) - parseFloat(inner.paddingRight));
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const before = document.cookie;
  document.cookie = `width=${width}; path=/; samesite=strict`;
  document.cookie = `zone=${encodeURIComponent(zone)}; path=/; samesite=strict`;
  return document.cookie !== before;
}

async function refresh() {
  try {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(30000) });
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    put(page.querySelector("main"));
    drawn.textContent = page.getElementById("drawn").textContent;
    drawn.classList.remove("late");
  } catch (error) {
    drawn.classList.add("late");
  }
}

function put(fresh) {
  const news = [...fresh.children];
  if (news.length !== main.children.length) {
    main.replaceChildren(...news);
    return;
  }
  [...main.children].forEach((old, number) => {
    const now = news[number];
    if (old.outerHTML === now.outerHTML) return;
    const seen = old.querySelector(".scroll, .plot");
    const [top, left] = seen ? [seen.scrollTop, seen.scrollLeft] : [0, 0];
    old.replaceWith(document.adoptNode(now));
    const again = now.querySelector(".scroll, .plot");
    if (again) [again.scrollTop, again.scrollLeft] = [top, left];
  });
}

async function keepFresh(seconds) {
  if (sendWidthAndZone()) await refresh();
  for (;;) {
    await new Promise((done) => setTimeout(done, seconds * 1000));
    if (!document.hidden) await refresh();
  }
}

const tip = document.createElement("div");
tip.id = "tip";
tip.hidden = true;
document.body.append(tip);

function cells(...texts) {
  const row = document.createElement("tr");
  for (const text of texts) row.append(Object.assign(document.createElement("td"), { textContent: text }));
  return row;
}

function showValues(svg, x) {
  const hover = JSON.parse(svg.dataset.hover);
  const at = hover.at.reduce((best, here, i) => (Math.abs(here - x) < Math.abs(hover.at[best] - x) ? i : best), 0);
  const lines = hover.lines.filter(([, , texts]) => texts[at] !== "");
  const table = document.createElement("table");
  for (const [name, colour, texts] of lines) {
    const row = cells(name, texts[at]);
    row.firstChild.className = `ink-${colour}`;
    table.append(row);
  }
  if (hover.more) table.append(cells(`and ${hover.more} more`, ""));
  tip.replaceChildren(hover.times[at], table);
}

document.addEventListener("pointermove", (event) => {
  const svg = event.target.closest?.("svg[data-hover]");
  tip.hidden = !svg;
  if (!svg) return;
  const box = svg.getBoundingClientRect();
  showValues(svg, ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width);
  const room = innerWidth - tip.offsetWidth - 8;
  tip.style.left = `${Math.min(event.clientX + 14, room)}px`;
  tip.style.top = `${Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8)}px`;
});

document.querySelector("form")?.addEventListener("change", (event) => event.currentTarget.submit());
if (document.body.dataset.refresh) keepFresh(Number(document.body.dataset.refresh));
