// The fields of the form: which one is in focus, what stands in it, and where it was taken from.
import { $, $$, element } from "./dom.js";
import { isTyping } from "./keys.js";

export const form = $("#decision");
export const accept = $("[data-accept]");
export const editable = accept !== null;
export let current = null;

export const fields = () => $$("[data-field]", form);
export const inputOf = (field) => $("input:not([type=hidden]), select, textarea", field);
export const fieldAt = (path) => fields().find((field) => field.dataset.field === path) ?? null;
export const isDoubtful = (field) => field.matches(".doubtful, .wrong");
export const rowOf = (field) => field?.closest("[data-row]") ?? null;

/** Where the text of a field was taken from: `{page, boxes, region?}`; null when nobody pointed at a page for it. */
export function claimOf(field) {
  const held = $('input[type=hidden][name^="p."]', field);
  try { return held?.value ? JSON.parse(held.value) : null; } catch { return null; }
}

function setClaim(field, claim) {
  let held = $('input[type=hidden][name^="p."]', field);
  if (!claim) { held?.remove(); return; }
  if (!held) {
    held = element("input", { type: "hidden", name: `p.${field.dataset.field}` });
    inputOf(field).after(held);
  }
  held.value = JSON.stringify(claim);
}

/** Text and place of a field, as one thing that can be put back. */
export const contentOf = (field) => ({ value: inputOf(field).value, claim: claimOf(field) });

/** Puts text and place into a field and tells everybody; whoever wants it undone goes through `history.js`. */
export function put(field, { value, claim }) {
  const input = inputOf(field);
  input.value = value;
  setClaim(field, claim);
  edited(field);
}

export const edited = (field) => document.dispatchEvent(new CustomEvent("edited", { detail: { field } }));

/** Makes `field` the one in focus. `point: false` leaves the page where it is. */
export function setCurrent(field, { point = true } = {}) {
  if (field === current) return;
  current?.classList.remove("at");
  current = field;
  field?.classList.add("at");
  document.dispatchEvent(new CustomEvent("current", { detail: { field, point } }));
}

/** Puts the keyboard on a field without editing it, or into its input. */
export function go(field, { edit = false, point = true } = {}) {
  if (!field) return;
  setCurrent(field, { point });
  const input = inputOf(field);
  if (edit && input && !input.disabled) {
    input.focus({ preventScroll: true });
    input.select?.();
  } else {
    field.focus({ preventScroll: true });
  }
  field.scrollIntoView({ block: "nearest", inline: "nearest" });
}

const ANY = () => true;

/** The next (or previous) field after the current one; past the last comes the accept button. */
export function step(direction, wanted = ANY) {
  const all = fields();
  const edit = isTyping(document.activeElement) && wanted === ANY;
  let index = current && all.includes(current) ? all.indexOf(current) : direction > 0 ? -1 : all.length;
  do index += direction; while (index >= 0 && index < all.length && !wanted(all[index]));
  if (index >= 0 && index < all.length) {
    go(all[index], { edit });
    return true;
  }
  if (direction > 0 && accept) {
    accept.focus();
    setCurrent(null);
  }
  return false;
}

/** Along a table: to the same column of the next row, or to the next cell of the row. False outside of tables. */
export function stepInTable({ down = 0, right = 0 }) {
  const cell = current?.closest("td[data-field]");
  if (!cell) return false;
  const row = rowOf(cell);
  const cells = $$("td[data-field]", row);
  const edit = isTyping(document.activeElement);
  let target = cells[cells.indexOf(cell) + right];
  if (down) {
    const rows = $$("[data-row]", row.parentElement).filter((other) => other.parentElement === row.parentElement);
    const next = rows[rows.indexOf(row) + down];
    target = next && $$("td[data-field]", next)[cells.indexOf(cell)];
  }
  if (!target) return false;
  go(target, { edit });
  return true;
}

// Which fields were looked at stays in this tab until the document is decided on, also when the form comes back.
const SEEN = `parquetry.seen.${$(".pages")?.dataset.base}`;
const seen = new Set(JSON.parse(sessionStorage.getItem(SEEN) ?? "[]"));
export const forgetSeen = () => sessionStorage.removeItem(SEEN);

function showSeen(field) {
  field.classList.add("seen");
  const tag = $(".seen-tag", field);
  if (tag) tag.hidden = false;
}

/** Marks a field as looked at. */
export function markSeen(field) {
  if (!field || !editable) return;
  seen.add(field.dataset.field);
  sessionStorage.setItem(SEEN, JSON.stringify([...seen]));
  showSeen(field);
  document.dispatchEvent(new CustomEvent("seen"));
}
if (editable) fields().filter((field) => seen.has(field.dataset.field)).forEach(showSeen);

document.addEventListener("focusin", (event) => {
  const field = event.target.closest?.("#decision [data-field]");
  if (field) setCurrent(field);
});
