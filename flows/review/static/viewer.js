// The pages: how large, how turned, which of them are drawn, and the boxes over them. Boxes are in points of the page.
import { $, $$, shape } from "./dom.js";

export const pane = $(".pages");
export const pages = $$(".page", pane);
export const base = pane?.dataset.base ?? "";
const DPIS = [120, 240, 360, 480];
const [UNKNOWN_WIDTH, UNKNOWN_HEIGHT] = [595, 842];
const [LEAST, MOST] = [0.1, 8]; // pixels of the screen per point
const GAP = 16;
const AIR = 1.5; // points around a word, so that it stays legible in its box
const PREFERRED = "parquetry.fit"; // the next document opens as the last was looked at
const LOOK_MS = 90; // pages that are only scrolled past are not rendered

let scale = 1;
let fit = "width";
let turn = 0; // degrees, clockwise, of the view only
export let shownPage = 1;

const sizeOf = (page) => ({
  width: Number(page.dataset.width) || UNKNOWN_WIDTH,
  height: Number(page.dataset.height) || UNKNOWN_HEIGHT,
});
const onSide = () => turn % 180 !== 0;
export const pageAt = (number) => pages[number - 1] ?? null;

/* ------------------------------------------------------------------ size and turn */

function layout() {
  for (const page of pages) {
    const { width, height } = sizeOf(page);
    const [w, h] = [width * scale, height * scale];
    page.style.width = `${onSide() ? h : w}px`;
    page.style.height = `${onSide() ? w : h}px`;
    const sheet = $(".sheet", page);
    sheet.style.width = `${w}px`;
    sheet.style.height = `${h}px`;
    sheet.style.transform = {
      0: "none",
      90: `translateX(${h}px) rotate(90deg)`,
      180: `translate(${w}px, ${h}px) rotate(180deg)`,
      270: `translateY(${w}px) rotate(270deg)`,
    }[turn];
  }
}

/** The scale at which the shown page fits the pane. */
function fitting(kind) {
  const { width, height } = sizeOf(pageAt(shownPage) ?? pages[0]);
  const [w, h] = onSide() ? [height, width] : [width, height];
  const across = (pane.clientWidth - 2 * GAP) / w;
  return kind === "width" ? across : Math.min(across, (pane.clientHeight - 2 * GAP) / h);
}

/** Sets the scale; what is under `anchor` (a point of the screen; the middle of the pane if not given) stays there. */
function setScale(value, anchor = null, kind = null) {
  if (!pages.length) return;
  const frame = pane.getBoundingClientRect();
  // What is fitted keeps its upper edge, what is zoomed its middle.
  const at = anchor ?? { x: frame.left + pane.clientWidth / 2, y: frame.top + (kind ? GAP : pane.clientHeight / 2) };
  const page = pages.find((p) => p.getBoundingClientRect().bottom + GAP > at.y) ?? pages.at(-1);
  const before = page.getBoundingClientRect();
  const [u, v] = [(at.x - before.left) / before.width, (at.y - before.top) / before.height];
  fit = kind;
  scale = Math.min(Math.max(value, LEAST), MOST);
  layout();
  const after = page.getBoundingClientRect();
  pane.scrollBy({ left: after.left + u * after.width - at.x, top: after.top + v * after.height - at.y, behavior: "instant" });
  showState();
  sharpenSoon();
}

/** The middle of the box in focus, if it can be seen: one zooms in to look at it. */
function inFocus() {
  const box = $("rect.current", pane)?.getBoundingClientRect();
  const frame = pane.getBoundingClientRect();
  const seen = box && box.bottom > frame.top && box.top < frame.bottom && box.right > frame.left && box.left < frame.right;
  return seen ? { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 } : null;
}

function zoom(factor) {
  const at = inFocus();
  setScale(scale * factor, at);
  if (at) showPage(shownPage, $("rect.current", pane), "instant"); // as it grows it must not grow out of sight
}

function fitTo(kind) {
  if (!pages.length) return;
  setScale(fitting(kind), null, kind);
  sessionStorage.setItem(PREFERRED, kind);
}

export const view = {
  in: () => zoom(1.25),
  out: () => zoom(1 / 1.25),
  by: (factor, anchor) => setScale(scale * factor, anchor),
  width: () => fitTo("width"),
  page: () => { fitTo("page"); showPage(shownPage); },
  turn: () => {
    if (!pages.length) return;
    const number = shownPage;
    turn = (turn + 90) % 360;
    setScale(fit ? fitting(fit) : scale, null, fit);
    showPage(number);
  },
};

function showState() {
  $("[data-zoom-now]").textContent = `${Math.round(scale * 75)} %`; // 96 pixels an inch are life size
  for (const kind of ["width", "page"]) $(`[data-view="${kind}"]`).setAttribute("aria-pressed", String(fit === kind));
}

/** A point of the screen as a point of the page under it: `{page, x, y}`; null beside the pages. */
export function pointOn(event, page = event.target.closest?.(".page")) {
  if (!page) return null;
  const frame = page.getBoundingClientRect();
  const u = (event.clientX - frame.left) / frame.width;
  const v = (event.clientY - frame.top) / frame.height;
  const { width, height } = sizeOf(page);
  const [x, y] = { 0: [u, v], 90: [v, 1 - u], 180: [1 - u, 1 - v], 270: [1 - v, u] }[turn];
  return { page, number: Number(page.dataset.page), x: x * width, y: y * height };
}

/* ------------------------------------------------------------------ pictures */

const near = new Set();
const waiting = new Map();

function dpiFor(page) {
  const frame = page.getBoundingClientRect();
  const around = pane.getBoundingClientRect();
  const seen = frame.bottom > around.top && frame.top < around.bottom;
  const wanted = scale * 72 * window.devicePixelRatio * 0.95;
  return seen ? DPIS.find((dpi) => dpi >= wanted) ?? DPIS.at(-1) : DPIS[0];
}

/** Draws a page, or draws it again when one looks closer; the coarse picture stays until the sharp one is there. */
function draw(page) {
  const image = $("img", page);
  if (page.classList.contains("failed")) return;
  const dpi = dpiFor(page);
  const have = Number(image.dataset.dpi ?? 0);
  if (have >= dpi && image.hasAttribute("src")) return;
  const source = dpi === DPIS[0] ? page.dataset.src : `${page.dataset.src}?dpi=${dpi}`;
  image.dataset.dpi = String(dpi);
  if (!image.hasAttribute("src")) { image.src = source; return; }
  const sharper = new Image();
  sharper.src = source;
  sharper.decode().then(() => { if (near.has(page)) image.src = source; }, () => { image.dataset.dpi = String(have); });
}

function drawSoon(page) {
  clearTimeout(waiting.get(page));
  waiting.set(page, setTimeout(() => { waiting.delete(page); if (near.has(page)) draw(page); }, LOOK_MS));
}

/** Far pages give their pixels back: three hundred of them would fill a browser's memory. */
function forget(page) {
  clearTimeout(waiting.get(page));
  const image = $("img", page);
  if (image.hasAttribute("src") && !page.classList.contains("failed")) {
    image.removeAttribute("src");
    delete image.dataset.dpi;
  }
}

let sharpening = 0;
function sharpenSoon() {
  clearTimeout(sharpening);
  sharpening = setTimeout(() => near.forEach(draw), 2 * LOOK_MS);
}

function pageLoaded(page) {
  const image = $("img", page);
  if (!page.dataset.width) { // an older extraction, or a page that was not read: its size comes with its picture
    const k = 72 / Number(image.dataset.dpi || page.dataset.dpi);
    page.dataset.width = String(image.naturalWidth * k);
    page.dataset.height = String(image.naturalHeight * k);
    $("svg", page).setAttribute("viewBox", `0 0 ${page.dataset.width} ${page.dataset.height}`);
    layout();
  }
  page.classList.add("loaded");
}

function pageFailed(page) {
  page.classList.add("loaded", "failed");
  $("img", page).hidden = true;
  $("svg", page).remove();
  $(".page-missing", page).hidden = false;
}

/* ------------------------------------------------------------------ which page */

function markShownPage() {
  const line = pane.scrollTop + pane.clientHeight / 3;
  let [low, high] = [0, pages.length - 1];
  while (low < high) { // pages stand below one another: of five hundred, nine are looked at
    const middle = (low + high + 1) >> 1;
    if (pages[middle].offsetTop <= line) low = middle; else high = middle - 1;
  }
  const number = low + 1;
  if (number === shownPage && $("[data-goto][aria-current]")) return;
  shownPage = number;
  $("[data-shown-page]").textContent = String(number);
  $("[data-goto][aria-current]")?.removeAttribute("aria-current");
  const link = $(`[data-goto="${number}"]`);
  link?.setAttribute("aria-current", "true");
  const strip = $(".strip");
  if (link && strip && strip.offsetParent) {
    const [a, b] = [link.getBoundingClientRect(), strip.getBoundingClientRect()];
    if (a.top < b.top || a.bottom > b.bottom) strip.scrollBy({ top: a.top - b.top - b.height / 3, behavior: "instant" });
  }
}

/** Scrolls so that `box` (or the top of its page) can be seen. */
export function showPage(number, box = null, behavior = "auto") {
  const page = pageAt(number);
  if (!page) return;
  const frame = pane.getBoundingClientRect();
  const target = (box?.isConnected ? box : page).getBoundingClientRect();
  if (!box) { pane.scrollBy({ top: target.top - frame.top - GAP, behavior: "instant" }); return; }
  const margin = 40;
  const hidden = target.top < frame.top + margin || target.bottom > frame.bottom - margin
    || target.left < frame.left || target.right > frame.right;
  if (!hidden) return;
  const far = Math.abs(target.top - frame.top) > 2 * frame.height; // long ways are not travelled before one's eyes
  pane.scrollBy({
    top: target.top - frame.top - frame.height / 3,
    left: target.left < frame.left || target.right > frame.right ? target.left - frame.left - 40 : 0,
    behavior: far ? "instant" : behavior,
  });
}

/* ------------------------------------------------------------------ boxes */

/** A rectangle around `[x0, y0, x1, y1]`. */
export function rectangle([x0, y0, x1, y1], attributes, air = AIR) {
  return shape("rect", { x: x0 - air, y: y0 - air, width: x1 - x0 + 2 * air, height: y1 - y0 + 2 * air, ...attributes });
}

export const boxesOf = (path) => $$("[data-box]", pane).filter((box) => box.dataset.box === path);
const firstBoxes = new Map(); // path -> the boxes that the document came with

/** Draws the boxes of a field where its claim says, or, without a claim, where they were at first. */
export function drawBoxes(path, label, claim) {
  const held = boxesOf(path);
  if (!firstBoxes.has(path)) firstBoxes.set(path, held.map((box) => [box.closest("svg"), box]));
  held.forEach((box) => box.remove());
  if (!claim) {
    firstBoxes.get(path).forEach(([overlay, box]) => overlay.append(box));
    return boxesOf(path);
  }
  const overlay = $("svg", pageAt(claim.page) ?? pane);
  if (!overlay) return [];
  return linesOf(claim.boxes).map((box) => {
    const made = rectangle(box, { "data-box": path, class: "taken" });
    const title = shape("title");
    title.textContent = label;
    made.append(title);
    overlay.append(made);
    return made;
  });
}

/** Takes the boxes of fields that are no longer in the form off the pages, and those that are back in it on again. */
export function keepBoxes(paths) {
  for (const box of $$("[data-box]", pane)) box.classList.toggle("gone", !paths.has(box.dataset.box));
}

/** Marks boxes whose field says something else by now: they are not its place any more. */
export function fadeBoxes(paths) {
  for (const box of $$("[data-box]", pane)) box.classList.toggle("lost", paths.has(box.dataset.box));
}

/** One box per printed line of words. */
export function linesOf(boxes) {
  const lines = [];
  for (const [x0, y0, x1, y1] of boxes) {
    const line = lines.at(-1);
    if (line && Math.min(line[3], y1) - Math.max(line[1], y0) > 0.5 * Math.min(line[3] - line[1], y1 - y0)) {
      [line[0], line[1], line[2], line[3]] = [Math.min(line[0], x0), Math.min(line[1], y0), Math.max(line[2], x1), Math.max(line[3], y1)];
    } else {
      lines.push([x0, y0, x1, y1]);
    }
  }
  return lines;
}

/* ------------------------------------------------------------------ beginning */

export function start() {
  if (!pages.length) return;
  for (const page of pages) {
    const image = $("img", page);
    image.addEventListener("load", () => pageLoaded(page));
    image.addEventListener("error", () => pageFailed(page));
  }
  layout();
  const kind = sessionStorage.getItem(PREFERRED) === "page" ? "page" : "width";
  setScale(fitting(kind), null, kind);
  pane.scrollTop = 0;
  const watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) { near.add(target); drawSoon(target); } else { near.delete(target); forget(target); }
    }
  }, { root: pane, rootMargin: "100% 0px" });
  pages.forEach((page) => watcher.observe(page));
  startStrip();
  pane.addEventListener("scroll", () => { markShownPage(); sharpenSoon(); }, { passive: true });
  pane.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    view.by(Math.exp(-Math.max(Math.min(event.deltaY, 100), -100) * 0.0025), { x: event.clientX, y: event.clientY });
  }, { passive: false });
  new ResizeObserver(() => { if (fit) setScale(fitting(fit), null, fit); }).observe(pane);
  for (const button of $$("[data-view]")) button.addEventListener("click", () => view[button.dataset.view]());
  for (const link of $$("[data-goto]")) {
    link.addEventListener("click", (event) => { event.preventDefault(); showPage(Number(link.dataset.goto)); });
  }
  markShownPage();
}

/** Small pictures, drawn when the strip shows them. */
function startStrip() {
  const strip = $(".strip");
  if (!strip) return;
  const timers = new Map();
  const watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      clearTimeout(timers.get(target));
      if (!isIntersecting) continue;
      timers.set(target, setTimeout(() => { target.src = target.dataset.src; watcher.unobserve(target); }, 2 * LOOK_MS));
    }
  }, { root: strip, rootMargin: "200px 0px" });
  $$("img[data-src]", strip).forEach((image) => watcher.observe(image));
}
