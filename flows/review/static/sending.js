// Deciding and leaving: what was typed is never lost, neither to a slip nor to a network that is away.
import { $, $$, element, say } from "./dom.js";
import { checkSoon } from "./checking.js";
import { accept, editable, fieldAt, forgetSeen, form, go } from "./fields.js";

const CALM_MS = 600;
let sending = false;
let again = false; // somebody saved once more, while the first try was on its way
let leaving = false;
let calm = 0; // until then the key saves nothing: a second press was not meant to overrule what has just appeared
let count = () => 0;

export function submitDecision() {
  if (editable && performance.now() >= calm) form.requestSubmit(accept);
}

/** Above the fields, until the next try: why nothing was stored. */
function tell(...content) {
  $$(".problems").forEach((old) => old.remove());
  const box = element("div", { class: "problems", role: "alert" });
  $(".panel-scroll").prepend(box);
  box.append(...content); // after it is there: only then is it read out
  box.scrollIntoView({ block: "nearest" });
}

const said = (heading, text) => tell(element("strong", {}, heading), " ", text);

/** The inputs as they are sent; whether a contradiction may stand is no part of what was typed. */
const typed = (each) => [...new FormData(each)].filter(([name]) => name !== "confirmed").map(String).join("\n");

async function send(each, submitter) {
  const sent = typed(each);
  let answer;
  let page;
  try {
    answer = await fetch(each.getAttribute("action"), { method: "POST", body: new URLSearchParams(new FormData(each, submitter)) });
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    said("Nothing was stored.", "The review page cannot be reached. Your values are still here: try again in a moment.");
    return;
  }
  if (answer.redirected && new URL(answer.url).searchParams.has("done")) {
    leaving = true;
    forgetSeen();
    window.location.assign(answer.url);
  } else if (answer.redirected) {
    said("Nothing was stored.", "You are no longer signed in. Open the queue in another tab, sign in there, and save here again.");
  } else if (answer.status === 422) {
    showWrong(each, page, typed(each) === sent);
  } else if ($("[data-conflict]", page)) { // the server's own page shows both versions
    leaving = true;
    each.append(element("input", { type: "hidden", name: submitter.name, value: submitter.value }));
    HTMLFormElement.prototype.submit.call(each);
  } else {
    const texts = $$("main h1, main p", page).map((part) => part.textContent.trim()).filter(Boolean);
    said("Nothing was stored.", texts.join(" ").slice(0, 600) || `The page answered ${answer.status}.`);
  }
}

/** What the server found wrong, taken over from its page; the form with its history stays as it is. */
function showWrong(each, page, untouched) {
  const problems = $(".problems", page);
  const error = $("#why-error", page);
  if (problems) tell(...[...problems.childNodes].map((node) => document.importNode(node, true)));
  else said("Nothing was stored.", error?.textContent ?? "The form was not complete.");
  confirming($('[name="confirmed"]', page)?.value ?? "");
  checkSoon(0);
  if (!untouched) return; // one types on already
  if (each !== form) { $("#why").focus(); return; }
  const wrong = fieldAt($("#decision .wrong[data-field]", page)?.dataset.field ?? "");
  if (wrong) go(wrong, { edit: true });
}

/** Whether the next try may store these contradictions; any edit ends that. */
function confirming(mark) {
  $('[name="confirmed"]', form)?.remove();
  calm = mark ? performance.now() + CALM_MS : 0;
  if (!mark) return;
  form.append(element("input", { type: "hidden", name: "confirmed", value: mark }));
  accept.firstChild.textContent = "Save all the same ";
}

/** Whether the page may be left without asking. */
const saved = () => leaving || !editable || (count() === 0 && ["#comment", "#why"].every((id) => !$(id)?.value.trim()));

async function submitted(each, submitter) {
  if (sending) { again = true; return; }
  sending = true;
  document.body.classList.add("sending");
  const sent = typed(each);
  await send(each, submitter);
  sending = leaving;
  document.body.classList.toggle("sending", leaving);
  const anew = again && !leaving && typed(each) !== sent; // the same once more would only overrule what was not read
  again = false;
  if (anew) each.requestSubmit(submitter);
}

/**
 * @param {() => number} changes how many changes are not saved
 */
export function start(changes) {
  count = changes;
  for (const each of [form, $(".reject-form")].filter(Boolean)) { // those that decide; others leave as forms do
    each.addEventListener("submit", (event) => {
      event.preventDefault();
      submitted(each, event.submitter ?? accept);
    });
  }
  document.addEventListener("edited", () => { if (editable && $('[name="confirmed"]', form)) { confirming(""); count(); } });
  window.addEventListener("pageshow", (event) => { if (event.persisted) window.location.reload(); });
  window.addEventListener("beforeunload", (event) => { if (!saved()) event.preventDefault(); });
  window.addEventListener("offline", () => { if (!saved()) say("No network. What you typed stays here.", { long: true }); });
}
