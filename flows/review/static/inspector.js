// The bar below the fields: what stands in the field in focus, how it is read, and what else it could be.
import { $, $$, element } from "./dom.js";
import { isBorneOut, isPlaceless, saidOf } from "./checking.js";
import { claimOf, current, editable, go, inputOf } from "./fields.js";
import { fill } from "./history.js";
import { ghost } from "./pointing.js";
import { showPage } from "./viewer.js";

const now = (part) => $(`[data-now="${part}"]`);
const holder = $(".candidates");
let offered = [];
let spoken = "";

/** What the field may be: readings of an ambiguous text first, then other texts of the page; each value once. */
function candidatesOf(field) {
  const found = new Map();
  const input = inputOf(field);
  const add = (value, words, place = null) => { if (value && !found.has(value)) found.set(value, { value, words, place }); };
  for (const button of $$("[data-suggest]", field)) add(button.dataset.suggest, button.dataset.words);
  for (const [value, words] of saidOf(field).suggest) add(value, words);
  let stored = [];
  try { stored = JSON.parse(field.dataset.candidates ?? "[]"); } catch { /* not of ours */ }
  for (const { raw, page, boxes } of stored) add(raw, raw, page ? { page, boxes } : null);
  if (input.dataset.original && input.dataset.original !== input.value) add(input.dataset.original, `${input.dataset.original} (as it was)`);
  return [...found.values()].slice(0, 9);
}

export function show() {
  const field = current;
  const said = field ? saidOf(field) : null;
  now("label").textContent = field ? title(field) : "No field";
  now("text").textContent = field ? reading(field, said) : "";
  now("text").classList.toggle("error", Boolean(said?.error));
  now("text").title = now("text").textContent;
  now("end").textContent = field ? whence(field) : "";
  offered = field && editable ? candidatesOf(field) : [];
  holder.replaceChildren(...offered.map(button));
  if (!offered.length) holder.append(element("span", { class: "muted" }, "No other candidates"));
}

function title(field) {
  const row = field.closest("[data-row]");
  if (!row) return field.dataset.label;
  return `${field.closest("[data-list]").dataset.label} ${$(".number-of-row", row).textContent}, ${field.dataset.label}`;
}

function reading(field, said) {
  if (said.error) return said.error;
  const value = inputOf(field).value;
  const printed = field.dataset.raw && field.dataset.raw !== value ? `printed “${field.dataset.raw}”` : "";
  const read = said.reads ? `read as ${said.reads}` : value ? "" : "not on the document";
  return [printed, read].filter(Boolean).join(", ");
}

function whence(field) {
  const claim = claimOf(field);
  const changed = inputOf(field).value !== inputOf(field).dataset.original;
  const typed = changed && (!field.dataset.page || isPlaceless(field));
  const place = claim ? `taken from p. ${claim.page}` : typed ? "typed, no place" : field.dataset.page ? `p. ${field.dataset.page}` : "";
  return [isBorneOut(field) ? "✓ agrees" : "", place, changed ? "" : $("[data-probability]", field)?.textContent].filter(Boolean).join(" · ");
}

function button(candidate, index) {
  const { words, place } = candidate;
  const chosen = String(candidate.value === inputOf(current).value);
  const made = element("button", { type: "button", title: words, "aria-pressed": chosen }, element("kbd", {}, String(index + 1)), element("span", { class: "words" }, words));
  if (place) made.append(element("span", { class: "muted" }, `p. ${place.page}`));
  made.addEventListener("click", () => choose(index));
  made.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the keyboard
  const look = () => { if (place) { const box = ghost(place); if (box) showPage(place.page, box); } };
  made.addEventListener("pointerenter", look);
  made.addEventListener("focus", look);
  for (const end of ["pointerleave", "blur"]) made.addEventListener(end, () => ghost(null));
  return made;
}

/** Takes the candidate of that number (from 0); false when there is none. */
export function choose(index) {
  const candidate = offered[index];
  if (!candidate || !current) return false;
  const field = current;
  ghost(null);
  const original = candidate.value === inputOf(field).dataset.original;
  fill(field, { value: candidate.value, claim: original ? null : candidate.place });
  go(field, { edit: document.activeElement === inputOf(field) });
  return true;
}

/** Says what is wrong with the field in focus, once, to those who do not see it turn red. */
function sayError() {
  const error = current ? saidOf(current).error : "";
  if (error && error !== spoken) $("[data-live]").textContent = error;
  spoken = error;
}

export function start() {
  document.addEventListener("checked", sayError);
  for (const event of ["current", "edited", "checked"]) document.addEventListener(event, show);
  show();
}
