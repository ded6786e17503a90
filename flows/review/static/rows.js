// Rows of lists: added, deleted and moved by buttons and keys. A row keeps its token, and so its values their places.
import { $, $$, say } from "./dom.js";
import { accept, current, editable, edited, form, go, rowOf, setCurrent } from "./fields.js";
import { note } from "./history.js";

const listOf = (row) => row.closest("[data-list]");
const holderOf = (list) => $$("[data-rows]", list).find((holder) => holder.closest("[data-list]") === list);
export const rowsOf = (list) => $$("[data-row]", holderOf(list)).filter((row) => listOf(row) === list);

// A form that came back with errors has added rows already: go on counting after them.
let added = 1 + Math.max(-1, ...$$("input[type=hidden]", form)
  .filter((input) => input.name.startsWith("row.") && /^n\d+$/.test(input.value))
  .map((input) => Number(input.value.slice(1))));

/** The tokens of a list's rows, in their order. */
export function tokensOf(list) {
  const name = `row.${list.dataset.list}`;
  return $$("input[type=hidden]", list).filter((input) => input.name === name).map((input) => input.value).join();
}

function putAt(list, row, index) {
  const others = rowsOf(list).filter((other) => other !== row);
  const holder = holderOf(list);
  if (index < others.length) others[index].before(row);
  else holder.append(row);
  edited(null);
}

function takeOut(row) {
  if (row.contains(current)) setCurrent(null);
  row.remove();
  edited(null);
}

/** A step that can be undone. The focus goes to `field` when it is there, else to `around`. */
function noteRow(list, redo, undo, field) {
  note({ redo, undo, field: () => (field?.isConnected ? field : $("[data-field]", list)) });
}

/** Adds an empty row behind `after`, or at the end: the template's, its mark replaced by a token no other row has. */
export function addRow(list, after = null) {
  const template = $$("template", list).find((t) => t.closest("[data-list]") === list);
  const token = `n${added++}`;
  const fragment = template.content.cloneNode(true);
  replaceMark(fragment, template.dataset.template, token);
  const row = fragment.firstElementChild;
  const index = after ? rowsOf(list).indexOf(after) + 1 : rowsOf(list).length;
  putAt(list, row, index);
  const field = $("[data-field]", row);
  noteRow(list, () => putAt(list, row, index), () => takeOut(row), field);
  go(field, { edit: true });
}

function replaceMark(root, mark, token) {
  for (const element of $$("*", root)) {
    for (const { name, value } of [...element.attributes]) {
      if (value.includes(mark)) element.setAttribute(name, value.replaceAll(mark, token));
    }
    if (element instanceof HTMLTemplateElement) replaceMark(element.content, mark, token);
  }
}

/** Deletes a row; `focus` says whether the keyboard goes on to a field or to the buttons of the next row. */
export function deleteRow(row, { buttons = false } = {}) {
  const list = listOf(row);
  const index = rowsOf(list).indexOf(row);
  const cells = $$("[data-field]", row);
  const column = Math.max(cells.indexOf(current), 0);
  takeOut(row);
  noteRow(list, () => takeOut(row), () => putAt(list, row, index), cells[column]);
  const next = rowsOf(list)[index] ?? rowsOf(list)[index - 1];
  say("Row deleted. Ctrl Z brings it back.");
  if (next && !buttons) go($$("[data-field]", next)[column]);
  else (next ? $("[data-delete-row]", next) : $("[data-add-row]", list) ?? accept).focus();
}

/** Moves a row up (-1) or down (1). */
export function moveRow(row, by) {
  const list = listOf(row);
  const index = rowsOf(list).indexOf(row);
  const target = index + by;
  if (target < 0 || target >= rowsOf(list).length) return;
  const focused = document.activeElement;
  putAt(list, row, target);
  noteRow(list, () => putAt(list, row, target), () => putAt(list, row, index), row.contains(current) ? current : $("[data-field]", row));
  if (row.contains(focused)) focused.focus({ preventScroll: true }); // moving takes the focus away
  row.scrollIntoView({ block: "nearest" });
  say(`Row ${index + 1} is now row ${target + 1}.`);
}

/** What the keys do to the row of the field in focus; false when it is in none. */
export function onRow(action) {
  const row = editable && rowOf(current);
  if (!row) return false;
  action(row);
  return true;
}
export const addBelow = () => onRow((row) => addRow(listOf(row), row));

form.addEventListener("click", (event) => {
  const add = event.target.closest("[data-add-row]");
  if (add) addRow(add.closest("[data-list]"));
  const remove = event.target.closest("[data-delete-row]");
  if (remove) deleteRow(remove.closest("[data-row]"), { buttons: true });
  const move = event.target.closest("[data-move-row]");
  if (move) moveRow(move.closest("[data-row]"), move.dataset.moveRow === "up" ? -1 : 1);
});
