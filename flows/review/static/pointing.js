// Pointing at the page: a word, a run of words, or a box, which fills the field in focus and stays as its place.
import { $, say, shape } from "./dom.js";
import { current, editable, fieldAt, go, inputOf } from "./fields.js";
import { fill } from "./history.js";
import { base, pageAt, pages, pane, pointOn, rectangle } from "./viewer.js";

const DRAG_PX = 5;
const NEAR = 2.5; // points beside a word that still mean it
const words = new Map(); // page number -> what is known of it, or the promise of it
let drag = null;
let last = null; // where the last word was taken, for Shift and click
let boxTool = false;
let rests = null; // the pointer, as it was last seen

/** What the server says of words; a refusal comes as an error whose message is for people. */
async function ask(address) {
  let answer;
  try {
    answer = await fetch(address, { headers: { Accept: "application/json" } });
  } catch {
    throw new Error("The review page cannot be reached. What you have typed is still here.");
  }
  const told = await answer.json().catch(() => null);
  if (!answer.ok || !told) throw new Error(told?.message ?? "The words of this page cannot be had now.");
  return told;
}

function wordsOf(number) {
  if (!words.has(number)) {
    const asked = ask(`${base}/pages/${number}/words`).then((told) => {
      words.set(number, told);
      return told;
    }, (error) => { words.delete(number); throw error; });
    words.set(number, asked);
  }
  return words.get(number);
}
const known = (number) => { const held = words.get(number); return held instanceof Promise ? null : held ?? null; };

/** The word at a point of a page, as its number in reading order; -1 when there is none. */
function wordAt(told, { x, y }) {
  let [best, distance] = [-1, Infinity];
  told.words.forEach(({ box: [x0, y0, x1, y1] }, index) => {
    const away = Math.max(x0 - x, x - x1, y0 - y, y - y1);
    if (away < NEAR && away < distance) [best, distance] = [index, away];
  });
  return best;
}

/* ------------------------------------------------------------------ what is drawn while one points */

function layer(number) {
  const overlay = $("svg", pageAt(number));
  if (!overlay) return null;
  return $(".pointing", overlay) ?? overlay.appendChild(shape("g", { class: "pointing" }));
}

function clear() { document.querySelectorAll(".pointing").forEach((group) => group.remove()); }

function mark(number, boxes, kind) {
  clear();
  layer(number)?.append(...boxes.map((box) => rectangle(box, { class: kind }, 1)));
}

/** Shows where a candidate stands; without one, nothing. */
export function ghost(place) {
  clear();
  if (place?.page) layer(place.page)?.append(...place.boxes.map((box) => rectangle(box, { class: "ghost" })));
  return $(".pointing rect", pane);
}

/* ------------------------------------------------------------------ filling */

const label = (field) => field.dataset.label;

/** Fills `field` with words of a page and keeps their place. */
function take(field, told, indices, region = null) {
  const chosen = indices.map((index) => told.words[index]);
  const text = chosen.map((word) => word.text).join(" ");
  const claim = { page: told.page, boxes: chosen.map((word) => word.box) };
  if (region) claim.region = region;
  const input = inputOf(field);
  let value = text;
  if (input instanceof HTMLSelectElement) {
    const option = [...input.options].find((o) => o.value && [o.value, o.text].some((t) => t.toLowerCase() === text.toLowerCase()));
    if (!option) { say(`${label(field)} is one of a list, and “${text}” is not in it.`, { long: true }); return; }
    value = option.value;
  }
  fill(field, { value, claim });
  say(`${label(field)}: ${text}`);
}

/** The field that pointing fills; says why when there is none. */
function target() {
  if (current && inputOf(current) && !inputOf(current).disabled) return current;
  if (editable) say("Choose a field first; then a click on a word fills it.");
  return null;
}

async function takeAt(point, { extend }) {
  const field = target();
  if (!field) return;
  try {
    if (!known(point.number)) say(`Reading the words of page ${point.number}…`, { long: true });
    const told = await wordsOf(point.number);
    const index = wordAt(told, point);
    if (index < 0) { if (!told.words.length) say(`Page ${point.number} has no words. Draw a box around what you see.`); return; }
    const from = extend && last?.number === point.number ? last.index : index;
    last = { number: point.number, index: from };
    take(field, told, run(from, index));
  } catch (error) { say(error.message, { long: true }); }
}

const run = (a, b) => Array.from({ length: Math.abs(a - b) + 1 }, (_, i) => Math.min(a, b) + i);

async function takeRegion(number, region) {
  const field = target();
  if (!field) { clear(); return; }
  mark(number, [region], "region reading");
  say("Reading what stands in the box…", { long: true });
  try {
    const [x0, y0, x1, y1] = region;
    const told = await ask(`${base}/pages/${number}/region?${new URLSearchParams({ x0, y0, x1, y1 })}`);
    if (told.words.length) take(field, told, run(0, told.words.length - 1), region);
    else say("Nothing can be read in this box.", { long: true });
  } catch (error) { say(error.message, { long: true }); }
  clear();
}

/* ------------------------------------------------------------------ the pointer */

export function setBoxTool(on = !boxTool) {
  boxTool = on && editable && pages.length > 0;
  $('[data-tool="box"]')?.setAttribute("aria-pressed", String(boxTool));
  pane.classList.toggle("boxing", boxTool);
  if (boxTool) say("Draw a box on the page. Esc ends it.");
}
export const isBoxing = () => boxTool;

function followBox(event) {
  const box = event.target.closest?.("[data-box]");
  const field = box && fieldAt(box.dataset.box);
  if (!field) return false;
  go(field, { edit: true, point: false });
  return true;
}

function down(event) {
  if (event.button !== 0 || !editable) return;
  const point = pointOn(event);
  if (!point || point.page.classList.contains("failed")) return;
  const told = known(point.number);
  const index = told ? wordAt(told, point) : -1;
  const asBox = boxTool || event.altKey || (told && index < 0);
  drag = { point, from: index, asBox, x: event.clientX, y: event.clientY, moved: false };
  if (current) event.preventDefault(); // the field keeps the keyboard
  pane.setPointerCapture(event.pointerId);
}

function hover(event) {
  const point = editable && current && pointOn(event);
  if (!point) { clear(); return; }
  rests = event;
  if (!words.has(point.number)) {
    wordsOf(point.number).then(() => { if (rests === event) hover(event); }, () => {}); // said when it is clicked
  }
  const told = known(point.number);
  const index = told ? wordAt(told, point) : -1;
  pane.classList.toggle("on-word", index >= 0 && !boxTool);
  if (index >= 0 && !boxTool) mark(point.number, [told.words[index].box], "word");
  else if (!$(".pointing .reading, .pointing .ghost", pane)) clear();
}

function move(event) {
  if (!drag) { hover(event); return; }
  if (!drag.moved && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < DRAG_PX) return;
  drag.moved = true;
  const { page, number } = drag.point;
  const at = pointOn(event, page);
  if (drag.asBox) {
    drag.region = regionOf(drag.point, at);
    mark(number, [drag.region], "region");
    return;
  }
  const told = known(number);
  if (!told) return;
  if (drag.from < 0) drag.from = wordAt(told, drag.point);
  const to = wordAt(told, at);
  if (to >= 0) drag.to = to;
  if (drag.from >= 0 && drag.to >= 0) mark(number, run(drag.from, drag.to).map((i) => told.words[i].box), "word");
}

function regionOf(one, other) {
  const round = (value) => Math.max(Math.round(value * 100) / 100, 0);
  return [Math.min(one.x, other.x), Math.min(one.y, other.y), Math.max(one.x, other.x), Math.max(one.y, other.y)].map(round);
}

function up(event) {
  const made = drag;
  drag = null;
  if (!made) return;
  const { number } = made.point;
  if (!made.moved) {
    const under = document.elementsFromPoint(event.clientX, event.clientY).find((e) => e.matches?.("[data-box]"));
    if ((event.altKey || !current) && under && followBox({ target: under })) return;
    if (!boxTool) takeAt(made.point, { extend: event.shiftKey });
  } else if (made.asBox) {
    setBoxTool(false);
    takeRegion(number, made.region);
  } else if (made.from >= 0 && made.to >= 0) {
    const [field, told] = [target(), known(number)];
    clear();
    last = { number, index: made.from };
    if (field) take(field, told, run(made.from, made.to));
  }
}

/** Ends what the pointer was about to do; false when it was about to do nothing. */
export function cancel() {
  if (!drag && !boxTool) return false;
  drag = null;
  setBoxTool(false);
  clear();
  return true;
}

export function start() {
  pane.addEventListener("pointerdown", down);
  pane.addEventListener("pointermove", move);
  pane.addEventListener("pointerup", up);
  pane.addEventListener("pointercancel", () => { drag = null; clear(); });
  pane.addEventListener("pointerleave", () => { if (!drag && !$(".pointing .reading", pane)) clear(); });
  pane.addEventListener("mousedown", (event) => { if (editable && current && event.target.closest(".page")) event.preventDefault(); });
  if (!editable) pane.addEventListener("click", followBox);
  const tool = $('[data-tool="box"]');
  tool?.addEventListener("mousedown", (event) => event.preventDefault());
  tool?.addEventListener("click", () => setBoxTool());
}
