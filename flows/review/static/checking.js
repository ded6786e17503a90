// What the server makes of the form while one types: one request after a pause, the older one given up.
import { $, $$ } from "./dom.js";
import { current, editable, fields, form, go, inputOf } from "./fields.js";
import { base, fadeBoxes } from "./viewer.js";

const PAUSE_MS = 300;
let timer = 0;
let asked = null;
let told = { fields: {}, checks: [], borne_out: [], placeless: [], document: [], rules: 0 };

/** What is known of a field: `{reads, error, suggest}`. */
export const saidOf = (field) => told.fields[field.dataset.field] ?? { reads: "", error: "", suggest: [] };
export const isPlaceless = (field) => told.placeless.includes(field.dataset.field);
export const isBorneOut = (field) => told.borne_out.includes(field.dataset.field);

export function checkSoon(pause = PAUSE_MS) {
  if (!editable) return;
  clearTimeout(timer);
  timer = setTimeout(check, pause);
}

async function check() {
  asked?.abort();
  const mine = asked = new AbortController();
  try {
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(`${base}/check`, { method: "POST", body, signal: mine.signal });
    if (!answer.ok || !answer.headers.get("content-type")?.includes("json")) throw new Error("no answer");
    told = await answer.json();
  } catch (error) {
    if (error.name !== "AbortError") showChecks("The values cannot be checked now; they are when you save.", "muted");
    return;
  }
  if (mine !== asked) return;
  showFields();
  showSummary();
  fadeBoxes(new Set(told.placeless));
  document.dispatchEvent(new CustomEvent("checked"));
}

function showFields() {
  for (const field of fields()) {
    const said = saidOf(field);
    const input = inputOf(field);
    field.classList.toggle("wrong", said.error !== "");
    input.setAttribute("aria-invalid", String(said.error !== ""));
    const stale = $(".error-text", field); // of the form that came back; what is said now counts
    if (stale) { stale.hidden = true; }
    const line = $("[data-reads]", field);
    if (!line) {
      if (said.error) input.setAttribute("aria-description", said.error); else input.removeAttribute("aria-description");
      continue;
    }
    line.id = `reads-${field.dataset.field}`;
    line.title = said.error;
    line.textContent = said.error || (said.reads ? `= ${said.reads}` : "");
    line.classList.toggle("error", said.error !== "");
    describe(input, line.id);
    for (const detail of $$(".detail", field)) { // not again what the error says
      const text = detail.textContent.toLowerCase().replace(/\.$/, "");
      if (said.error.toLowerCase().includes(text)) detail.hidden = true; // for good: what comes back would push others down
    }
  }
}

function describe(input, id) {
  const ids = (input.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean);
  if (!ids.includes(id)) input.setAttribute("aria-describedby", [...ids, id].join(" "));
}

function showSummary() {
  for (const field of fields()) {
    field.classList.toggle("disagrees", told.checks.some((one) => one.paths.includes(field.dataset.field)));
  }
  const errors = Object.values(told.fields).filter((said) => said.error).length;
  const [first] = [...told.document, ...told.checks.map((one) => one.text)];
  const more = told.document.length + told.checks.length - 1;
  if (first) showChecks(`${first}${more > 0 ? ` (and ${more} more)` : ""}`, "bad");
  else if (errors) showChecks(`${errors} ${errors === 1 ? "value" : "values"} cannot be read yet.`, "bad");
  else if (told.borne_out.length) showChecks("The figures agree with one another.", "good");
  else showChecks(told.rules ? "Nothing contradicts anything." : "All values can be read.", "muted");
}

function showChecks(text, kind) {
  const line = $("[data-checks-text]");
  if (!line) return;
  line.textContent = text;
  line.className = kind;
  line.title = text;
}

/** On to the next field that cannot be read or does not agree with others. */
export function goToTrouble() {
  const all = fields();
  const bad = all.filter((field) => field.matches(".wrong, .disagrees"));
  if (!bad.length) return false;
  const at = current ? all.indexOf(current) : -1;
  go(bad.find((field) => all.indexOf(field) > at) ?? bad[0]);
  return true;
}

export function start() {
  $("[data-checks]")?.addEventListener("click", goToTrouble);
  document.addEventListener("edited", () => checkSoon());
  checkSoon(0);
}
