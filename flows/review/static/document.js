// The document view: fields and boxes point at each other, and everything can be done from the keyboard.
import { bindKeys, isTyping } from "./keys.js";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const form = $("#decision");
const pane = $(".pages");
const accept = $("[data-accept]");
const editable = accept !== null;
let current = null; // the field (row or table cell) that the keyboard is on
let sending = false;

/* ------------------------------------------------------------------ fields and boxes */

const fields = () => $$("[data-field]", form);
const inputOf = (field) => $("input:not([type=hidden]), select, textarea", field);
const boxesOf = (path) => $$("[data-box]", pane).filter((box) => box.dataset.box === path);

/** Makes `field` the current one: marks it, lights its boxes up, brings them into view. */
function setCurrent(field, { scrollPage = true } = {}) {
  if (field === current) return;
  current?.classList.remove("at");
  $$("rect.current", pane).forEach((box) => box.classList.remove("current"));
  current = field;
  if (!field) return;
  field.classList.add("at");
  const boxes = boxesOf(field.dataset.field);
  boxes.forEach((box) => box.classList.add("current"));
  if (scrollPage && field.dataset.page) showPage(Number(field.dataset.page), boxes[0]);
}

/** Scrolls the pages so that `box` (or the top of its page) can be seen; waits for a page still loading. */
function showPage(number, box = null) {
  const page = document.getElementById(`page-${number}`);
  if (!page) return;
  if (box && !page.classList.contains("loaded")) {
    page.scrollIntoView({ block: "start" });
    $("img", page).addEventListener("load", () => { if (boxIsCurrent(box)) showPage(number, box); }, { once: true });
    return;
  }
  const frame = pane.getBoundingClientRect();
  const target = (box ?? page).getBoundingClientRect();
  if (!box) {
    pane.scrollBy({ top: target.top - frame.top - 16 });
    return;
  }
  const margin = 40;
  const hidden = target.top < frame.top + margin || target.bottom > frame.bottom - margin
    || target.left < frame.left || target.right > frame.right;
  if (hidden) {
    pane.scrollBy({
      top: target.top - frame.top - frame.height / 3,
      left: target.left < frame.left || target.right > frame.right ? target.left - frame.left - 40 : 0,
    });
  }
}

const boxIsCurrent = (box) => current !== null && box.dataset.box === current.dataset.field;

/** Puts the keyboard on a field without editing it, or into its input. */
function go(field, { edit = false } = {}) {
  if (!field) return;
  const input = inputOf(field);
  if (edit && input && !input.disabled) {
    input.focus({ preventScroll: true });
    input.select?.();
  } else {
    field.focus({ preventScroll: true });
  }
  field.scrollIntoView({ block: "nearest" });
}

/** The next (or previous) field after the current one; past the last comes the accept button. */
function step(direction, wanted = () => true) {
  const all = fields();
  const edit = isTyping(document.activeElement);
  let index = current && all.includes(current) ? all.indexOf(current) : direction > 0 ? -1 : all.length;
  do index += direction; while (index >= 0 && index < all.length && !wanted(all[index]));
  if (index >= 0 && index < all.length) {
    go(all[index], { edit });
  } else if (direction > 0 && accept) {
    accept.focus();
    setCurrent(null);
  }
}

document.addEventListener("focusin", (event) => {
  const field = event.target.closest?.("[data-field]");
  if (field) setCurrent(field);
});

pane.addEventListener("click", (event) => {
  const box = event.target.closest("[data-box]");
  if (!box) return;
  const field = fields().find((f) => f.dataset.field === box.dataset.box);
  if (field) {
    setCurrent(field, { scrollPage: false });
    go(field, { edit: true });
  }
});

/* ------------------------------------------------------------------ pages */

/** Boxes are in points: the overlay's coordinates are the page's own, whatever its size on the screen. */
function pageLoaded(page) {
  const overlay = $("svg", page);
  if (overlay && !overlay.hasAttribute("viewBox")) { // an older extraction, which does not say how large its pages are
    const image = $("img", page);
    const scale = 72 / Number(page.dataset.dpi);
    overlay.setAttribute("viewBox", `0 0 ${image.naturalWidth * scale} ${image.naturalHeight * scale}`);
  }
  page.classList.add("loaded");
}

function pageFailed(page) {
  page.classList.add("loaded");
  $("img", page).hidden = true;
  $("svg", page).remove();
  $(".page-missing", page).hidden = false;
}

const pages = $$(".page", pane);
for (const page of pages) {
  const image = $("img", page);
  image.addEventListener("load", () => pageLoaded(page));
  image.addEventListener("error", () => pageFailed(page));
  if (image.complete && image.naturalWidth > 0) pageLoaded(page);
  else if (image.complete && image.currentSrc && image.loading !== "lazy") pageFailed(page);
}

let shownPage = 1;
function markShownPage() {
  const middle = pane.getBoundingClientRect().top + pane.clientHeight / 3;
  const at = pages.findLast((page) => page.getBoundingClientRect().top <= middle) ?? pages[0];
  if (!at) return;
  shownPage = Number(at.dataset.page);
  for (const link of $$("[data-goto]")) {
    if (Number(link.dataset.goto) === shownPage) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}
pane.addEventListener("scroll", markShownPage, { passive: true });
markShownPage();
for (const link of $$("[data-goto]")) {
  link.addEventListener("click", (event) => { event.preventDefault(); showPage(Number(link.dataset.goto)); });
}

let zoom = 1;
function setZoom(value) {
  const middle = (pane.scrollTop + pane.clientHeight / 2) / pane.scrollHeight;
  zoom = Math.min(Math.max(value, 0.25), 5);
  pane.style.setProperty("--zoom", String(zoom));
  $('[data-zoom="fit"]').textContent = `${Math.round(zoom * 100)} %`;
  pane.scrollTo({ top: middle * pane.scrollHeight - pane.clientHeight / 2, behavior: "instant" });
}
const zoomTo = { in: () => setZoom(zoom * 1.25), out: () => setZoom(zoom / 1.25), fit: () => setZoom(1) };
for (const button of $$("[data-zoom]")) button.addEventListener("click", () => zoomTo[button.dataset.zoom]());

/* ------------------------------------------------------------------ changes and rows */

const isChanged = (input) => input.value !== input.dataset.original;
const rowsAtStart = new Map($$("[data-list]", form).map((list) => [list, rowTokens(list)]));
// A form that came back with errors has added rows already: go on counting after them.
let addedRows = 1 + Math.max(-1, ...$$("input[type=hidden]", form)
  .filter((input) => input.name.startsWith("row.") && /^n\d+$/.test(input.value))
  .map((input) => Number(input.value.slice(1))));

function rowTokens(list) {
  const name = `row.${list.dataset.list}`;
  return $$("input[type=hidden]", list).filter((input) => input.name === name).map((input) => input.value).join();
}

function showChanges() {
  let count = 0;
  for (const input of $$("[data-original]", form)) {
    const changed = isChanged(input);
    const field = input.closest("[data-field]");
    field.classList.toggle("changed", changed);
    const tag = $(".changed-tag", field);
    if (tag) tag.hidden = !changed;
    if (changed) count += 1;
  }
  for (const list of $$("[data-list]", form)) {
    const rows = $$("[data-row]", $("[data-rows]", list)).filter((row) => row.closest("[data-list]") === list);
    rows.forEach((row, index) => { $(".number-of-row", row).textContent = String(index + 1); });
    const counter = $("[data-count]", list);
    counter.textContent = String(rows.length);
    $$(".no-rows", list).filter((p) => p.closest("[data-list]") === list).forEach((p) => { p.hidden = rows.length > 0; });
    if (rowsAtStart.has(list) && rowsAtStart.get(list) !== rowTokens(list)) count += 1;
  }
  if (!accept) return 0;
  const label = accept.firstChild;
  if (!form.elements.confirmed) label.textContent = count ? "Save corrections " : "Accept ";
  $(".change-count").textContent = count ? `${count} ${count === 1 ? "change" : "changes"}, not saved yet` : "";
  return count;
}

/** Adds an empty row: the template's row, its mark replaced by a token that no other row has. */
function addRow(list) {
  const template = $$("template", list).find((t) => t.closest("[data-list]") === list);
  const token = `n${addedRows++}`;
  const fragment = template.content.cloneNode(true);
  const mark = template.dataset.template;
  replaceMark(fragment, mark, token);
  const row = fragment.firstElementChild;
  $("[data-rows]", list).append(row);
  showChanges();
  go($("[data-field]", row), { edit: true });
}

function replaceMark(root, mark, token) {
  for (const element of $$("*", root)) {
    for (const { name, value } of [...element.attributes]) {
      if (value.includes(mark)) element.setAttribute(name, value.replaceAll(mark, token));
    }
    if (element instanceof HTMLTemplateElement) replaceMark(element.content, mark, token);
  }
}

/** Puts a value into a field as if it had been typed. */
function fill(field, value) {
  const input = inputOf(field);
  input.value = value;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

form.addEventListener("input", showChanges);
form.addEventListener("click", (event) => {
  const suggested = event.target.closest("[data-suggest]");
  if (suggested) {
    const field = suggested.closest("[data-field]");
    fill(field, suggested.dataset.suggest);
    go(field);
  }
  const add = event.target.closest("[data-add-row]");
  if (add) addRow(add.closest("[data-list]"));
  const remove = event.target.closest("[data-delete-row]");
  if (remove) {
    const row = remove.closest("[data-row]");
    const next = row.nextElementSibling ?? row.previousElementSibling;
    const list = row.closest("[data-list]");
    if (row.contains(current)) setCurrent(null);
    row.remove();
    showChanges();
    (next?.matches("[data-row]") ? $("[data-delete-row]", next) : $("[data-add-row]", list)).focus();
  }
});

/* ------------------------------------------------------------------ deciding and leaving */

function submitDecision() {
  if (editable && !sending) form.requestSubmit(accept);
}
for (const each of document.forms) {
  each.addEventListener("submit", (event) => {
    if (each.method === "dialog") return;
    if (sending) { event.preventDefault(); return; }
    sending = true;
  });
}
window.addEventListener("pageshow", (event) => { if (event.persisted) window.location.reload(); });
window.addEventListener("beforeunload", (event) => {
  if (!sending && editable && showChanges() > 0) event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  if (event.target.closest?.("dialog, .reject-form")) return;
  event.preventDefault();
  submitDecision();
});

/** Inputs keep their letters; only these keys mean something more inside them. */
form.addEventListener("keydown", (event) => {
  if (!isTyping(event.target) || event.isComposing) return;
  const tag = event.target.tagName;
  const field = event.target.closest("[data-field]");
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Enter" && !event.shiftKey) field ? step(1) : accept.focus();
  else if (event.key === "Escape") field ? go(field) : event.target.blur();
  else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && tag === "INPUT" && field) step(event.key === "ArrowDown" ? 1 : -1);
  else return;
  event.preventDefault();
});

const follow = (key) => { const link = $(`[data-key="${key}"]`); if (!link) return false; link.click(); };
const onButton = () => document.activeElement?.closest("button, a, summary") !== null;

bindKeys({
  j: () => step(1),
  k: () => step(-1),
  ArrowDown: () => current?.contains(document.activeElement) ? step(1) : false,
  ArrowUp: () => current?.contains(document.activeElement) ? step(-1) : false,
  d: () => step(1, (field) => field.matches(".doubtful, .wrong")),
  Enter: () => onButton() || document.activeElement === pane ? false : step(1),
  e: () => { if (!current) return false; go(current, { edit: true }); },
  u: () => {
    const input = current && inputOf(current);
    if (!input) return false;
    fill(current, input.dataset.original);
  },
  a: () => { if (!editable) return false; submitDecision(); },
  r: () => {
    const details = $("details.reject");
    if (!details) return false;
    details.open = true;
    $("#why").focus();
  },
  n: () => follow("n"),
  q: () => follow("q"),
  "[": () => showPage(Math.max(shownPage - 1, 1)),
  "]": () => showPage(Math.min(shownPage + 1, pages.length)),
  "+": zoomTo.in,
  "=": zoomTo.in,
  "-": zoomTo.out,
  0: zoomTo.fit,
  ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => [number, () => {
    const button = current && $$("[data-suggest]", current)[number - 1];
    if (!button) return false;
    button.click();
  }])),
});
$("details.reject")?.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    event.currentTarget.open = false;
    $("summary", event.currentTarget).focus();
    event.preventDefault();
  }
});

showChanges();
go($(".wrong[data-field]", form) ?? $(".doubtful[data-field]", form) ?? fields()[0] ?? null,
  { edit: $(".wrong[data-field]", form) !== null });
if ($("details.reject[open]")) $("#why").focus();
