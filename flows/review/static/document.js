// The document view: fields and pages point at each other, and everything can be done from the keyboard.
import { $, $$, say } from "./dom.js";
import * as checking from "./checking.js";
import {
  accept, claimOf, current, editable, fields, form, go, inputOf, isDoubtful, markSeen, setCurrent, step, stepInTable,
} from "./fields.js";
import { fill } from "./history.js";
import * as inspector from "./inspector.js";
import { bindKeys, isTyping } from "./keys.js";
import * as pointing from "./pointing.js";
import { addBelow, deleteRow, moveRow, onRow, rowsOf, tokensOf } from "./rows.js";
import * as sending from "./sending.js";
import * as viewer from "./viewer.js";

/* ------------------------------------------------------------------ what is shown of the form's state */

const rowsAtStart = new Map($$("[data-list]", form).map((list) => [list, tokensOf(list)]));
const drawn = new Map(); // path -> the claim whose boxes are drawn

function showChanges() {
  let count = 0;
  for (const input of $$("[data-original]", form)) {
    const field = input.closest("[data-field]");
    const changed = input.value !== input.dataset.original || claimOf(field) !== null;
    field.classList.toggle("changed", changed);
    const tag = $(".changed-tag", field);
    if (tag) tag.hidden = !changed;
    if (changed) count += 1;
  }
  for (const list of $$("[data-list]", form)) {
    const rows = rowsOf(list);
    rows.forEach((row, index) => { $(".number-of-row", row).textContent = String(index + 1); });
    $("[data-count]", list).textContent = String(rows.length);
    $$(".no-rows", list).filter((p) => p.closest("[data-list]") === list).forEach((p) => { p.hidden = rows.length > 0; });
    if (rowsAtStart.has(list) && rowsAtStart.get(list) !== tokensOf(list)) count += 1;
  }
  document.body.toggleAttribute("data-changed", count > 0); // hold.js loads no page anew over it
  if (!accept) return 0;
  if (!form.elements.confirmed) accept.firstChild.textContent = count ? "Save corrections " : "Accept ";
  $(".change-count").textContent = count ? `${count} ${count === 1 ? "change" : "changes"} unsaved` : "";
  return count;
}

function showSeen() {
  const doubtful = fields().filter((field) => field.matches(".doubtful"));
  const seen = doubtful.filter((field) => field.matches(".seen")).length;
  const line = $("[data-seen]");
  if (line && doubtful.length) line.textContent = `${seen} of ${doubtful.length} looked at`;
}

/** Draws the boxes of one field anew, where it points elsewhere than before. */
function redraw(field) {
  const path = field.dataset.field;
  const claim = claimOf(field);
  const text = JSON.stringify(claim);
  if ((drawn.get(path) ?? "null") === text) return;
  drawn.set(path, text);
  viewer.drawBoxes(path, field.dataset.label, claim);
  if (field === current) lightUp(field);
}

function lightUp(field, point = true) {
  $$("rect.current", viewer.pane).forEach((box) => box.classList.remove("current"));
  if (!field) return;
  const boxes = viewer.boxesOf(field.dataset.field);
  boxes.forEach((box) => box.classList.add("current"));
  const page = claimOf(field)?.page ?? Number(field.dataset.page);
  if (point && page) viewer.showPage(page, boxes[0]);
}

document.addEventListener("current", ({ detail: { field, point } }) => lightUp(field, point));
document.addEventListener("edited", ({ detail: { field } }) => {
  showChanges();
  if (!field) { viewer.keepBoxes(new Set(fields().map((one) => one.dataset.field))); return; }
  redraw(field);
  if (isDoubtful(field)) markSeen(field);
});
document.addEventListener("seen", showSeen);
form.addEventListener("click", (event) => {
  const suggested = event.target.closest("[data-suggest]");
  if (!suggested) return;
  const field = suggested.closest("[data-field]");
  fill(field, { value: suggested.dataset.suggest, claim: claimOf(field) });
  go(field);
});

/* ------------------------------------------------------------------ keys */

function looked() {
  if (!current) return false;
  markSeen(current);
  const left = fields().filter((field) => isDoubtful(field) && !field.matches(".seen"));
  const at = fields().indexOf(current);
  const next = left.find((field) => fields().indexOf(field) > at) ?? left[0];
  if (next) go(next);
  else if (accept) { accept.focus(); setCurrent(null); say("Every doubtful field was looked at."); }
}

function nextField() {
  if (onButton() || document.activeElement === viewer.pane) return false;
  markSeen(current);
  step(1);
}

const empty = () => {
  const input = current && inputOf(current);
  if (!input || input.disabled) return false;
  fill(current, { value: "", claim: null });
  say(`${current.dataset.label}: not on the document.`);
};
const follow = (key) => { const link = $(`[data-key="${key}"]`); if (!link) return false; link.click(); };
const onButton = () => document.activeElement?.closest("button, a, summary") !== null;
const onField = () => current?.contains(document.activeElement) ?? false;
const along = (where, direction) => (onField() ? stepInTable(where) || (where.down ? step(direction) : false) : false);

/** With Ctrl or Alt: these mean the same inside inputs and outside. */
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || $("dialog[open]")) return;
  if (event.target.closest?.(".reject-form")) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    sending.submitDecision();
    return;
  }
  if (!event.altKey || event.ctrlKey || event.metaKey || !editable) return;
  let done = false;
  if (event.key === "ArrowUp") done = onRow((row) => moveRow(row, -1));
  else if (event.key === "ArrowDown") done = onRow((row) => moveRow(row, 1));
  else if (event.key === "Delete" || event.key === "Backspace") done = onRow((row) => deleteRow(row));
  else if (event.key === "Enter") done = addBelow();
  else if (/^Digit[1-9]$/.test(event.code)) done = inspector.choose(Number(event.code.slice(5)) - 1);
  if (done) event.preventDefault();
});

/** Inputs keep their letters; only these keys mean something more inside them. */
form.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || !isTyping(event.target) || event.isComposing) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const field = event.target.closest("[data-field]");
  const down = event.key === "ArrowDown" ? 1 : -1;
  if (event.key === "Enter" && !event.shiftKey) { if (field) { markSeen(field); step(1); } else accept.focus(); }
  else if (event.key === "Escape") { if (!pointing.cancel()) field ? go(field) : event.target.blur(); }
  else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && event.target.tagName === "INPUT" && field) {
    if (!stepInTable({ down })) step(down);
  } else return;
  event.preventDefault();
});

bindKeys({
  j: () => { step(1); },
  k: () => { step(-1); },
  ArrowDown: () => along({ down: 1 }, 1),
  ArrowUp: () => along({ down: -1 }, -1),
  ArrowRight: () => along({ right: 1 }),
  ArrowLeft: () => along({ right: -1 }),
  d: () => { step(1, isDoubtful); },
  D: () => { step(-1, isDoubtful); },
  " ": () => (onButton() || document.activeElement === viewer.pane ? false : looked()),
  Enter: nextField,
  e: () => { if (!current) return false; go(current, { edit: true }); },
  u: () => {
    const input = current && inputOf(current);
    if (!input || input.disabled) return false;
    fill(current, { value: input.dataset.original, claim: null });
  },
  Delete: empty,
  Backspace: empty,
  o: () => addBelow(),
  c: () => checking.goToTrouble(),
  b: () => { if (!editable) return false; pointing.setBoxTool(); },
  Escape: () => pointing.cancel(),
  a: () => { if (!editable) return false; sending.submitDecision(); },
  r: () => {
    const details = $("details.reject");
    if (!details) return false;
    details.open = true;
    $("#why").focus();
  },
  n: () => follow("n"),
  q: () => follow("q"),
  "[": () => viewer.showPage(Math.max(viewer.shownPage - 1, 1)),
  "]": () => viewer.showPage(Math.min(viewer.shownPage + 1, viewer.pages.length)),
  "+": () => viewer.view.in(),
  "=": () => viewer.view.in(),
  "-": () => viewer.view.out(),
  0: () => viewer.view.width(),
  w: () => viewer.view.width(),
  f: () => viewer.view.page(),
  t: () => viewer.view.turn(),
  ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => [number, () => inspector.choose(number - 1)])),
});
$("details.reject")?.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    event.currentTarget.open = false;
    $("summary", event.currentTarget).focus();
    event.preventDefault();
  }
});

/* ------------------------------------------------------------------ beginning */

viewer.start();
pointing.start();
fields().forEach(redraw);
showChanges();
showSeen();
sending.start(showChanges);
inspector.start();
checking.start();
const wrong = $(".wrong[data-field]", form);
go(wrong ?? $(".doubtful[data-field]", form) ?? fields()[0] ?? null, { edit: wrong !== null });
if ($("details.reject[open]")) $("#why").focus();
