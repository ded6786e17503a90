// Undo and redo of everything that is done in the form: typing, taking from the page, rows.
import { say } from "./dom.js";
import { contentOf, edited, form, go, inputOf, put } from "./fields.js";

const MOST = 500;
const PAUSE_MS = 1500; // typing after a pause is a step of its own
const done = [];
const undone = [];
const known = new WeakMap(); // input -> what stood in it before the keystroke that comes

/** Notes a step that was just made. `place` is the field to go to when it is undone or made again. */
export function note(entry) {
  done.push(entry);
  if (done.length > MOST) done.shift();
  undone.length = 0;
}

/** Puts text and place into a field, as a step that can be undone. */
export function fill(field, { value, claim = null }) {
  const before = contentOf(field);
  const input = inputOf(field);
  put(field, { value, claim });
  const after = contentOf(field);
  known.set(input, after);
  if (same(before, after)) return;
  note({
    undo: () => restore(field, before),
    redo: () => restore(field, after),
    field: () => field,
  });
}

function restore(field, content) {
  put(field, content);
  known.set(inputOf(field), content);
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

function walk(from, to, verb, word) {
  const entry = from.pop();
  if (!entry) { say(`Nothing to ${verb}.`); return; }
  entry[verb]();
  to.push(entry);
  const field = entry.field();
  if (field?.isConnected) go(field);
  say(word);
}
export const undo = () => walk(done, undone, "undo", "Undone.");
export const redo = () => walk(undone, done, "redo", "Done again.");

form.addEventListener("focusin", (event) => {
  const field = event.target.closest("[data-field]");
  if (field && event.target === inputOf(field)) known.set(event.target, contentOf(field));
});

form.addEventListener("input", (event) => {
  const field = event.target.closest("[data-field]");
  if (!field || event.target !== inputOf(field)) return;
  const input = event.target;
  let content = contentOf(field);
  if (content.claim && !content.value.trim()) { // what is emptied stands nowhere
    put(field, { value: content.value, claim: null });
    content = contentOf(field);
  }
  const before = known.get(input) ?? { value: input.dataset.original, claim: null };
  known.set(input, content);
  const last = done.at(-1);
  if (last?.typing === input && Date.now() - last.at < PAUSE_MS && !undone.length) {
    last.after = content;
    last.at = Date.now();
  } else {
    const entry = { typing: input, at: Date.now(), after: content, field: () => field };
    entry.undo = () => restore(field, before);
    entry.redo = () => restore(field, entry.after);
    note(entry);
  }
  edited(field);
});

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.closest?.(".reject-form, .plain-field")) return; // there the browser's own undo is right
  const key = event.key.toLowerCase();
  if (key === "z") event.shiftKey ? redo() : undo();
  else if (key === "y") redo();
  else return;
  event.preventDefault();
});
