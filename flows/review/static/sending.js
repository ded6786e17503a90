// Deciding and leaving: what was typed is never lost, neither to a slip nor to a network that is away.
import { $, $$, element, say } from "./dom.js";
import { accept, editable, forgetSeen, form } from "./fields.js";

let sending = false;
let leaving = false;
let count = () => 0;

export function submitDecision() {
  if (editable && !sending) form.requestSubmit(accept);
}

/** Above the fields, until the next try: why nothing was stored. */
function tell(heading, text) {
  $(".not-sent")?.remove();
  const box = element("div", { class: "problems not-sent", role: "alert" }, element("strong", {}, heading), " ", text);
  $(".panel-scroll").prepend(box);
  box.scrollIntoView({ block: "nearest" });
}

async function send(each, submitter) {
  $(".not-sent")?.remove();
  const body = new URLSearchParams(new FormData(each, submitter));
  let answer;
  try {
    answer = await fetch(each.getAttribute("action"), { method: "POST", body });
  } catch {
    tell("Nothing was stored.", "The review page cannot be reached. Your values are still here: try again in a moment.");
    return;
  }
  const at = new URL(answer.url);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (answer.redirected && at.searchParams.has("done")) {
    leaving = true;
    forgetSeen();
    window.location.assign(answer.url);
  } else if (answer.redirected) {
    tell("Nothing was stored.", "You are no longer signed in. Open the queue in another tab, sign in there, and save here again.");
  } else if (answer.status === 422 || $("[data-conflict]", page)) { // the server's own page says what is wrong
    leaving = true;
    each.append(element("input", { type: "hidden", name: submitter.name, value: submitter.value }));
    HTMLFormElement.prototype.submit.call(each);
  } else {
    const said = $$("main h1, main p", page).map((part) => part.textContent.trim()).filter(Boolean);
    tell("Nothing was stored.", said.join(" ").slice(0, 600) || `The page answered ${answer.status}.`);
  }
}

/** Whether the page may be left without asking. */
const saved = () => leaving || !editable || (count() === 0 && ["#comment", "#why"].every((id) => !$(id)?.value.trim()));

/**
 * @param {() => number} changes how many changes are not saved
 */
export function start(changes) {
  count = changes;
  for (const each of [form, $(".reject-form")].filter(Boolean)) { // those that decide; others leave as forms do
    each.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (sending) return;
      sending = true;
      document.body.classList.add("sending");
      await send(each, event.submitter ?? accept);
      sending = leaving;
      document.body.classList.toggle("sending", leaving);
    });
  }
  window.addEventListener("pageshow", (event) => { if (event.persisted) window.location.reload(); });
  window.addEventListener("beforeunload", (event) => { if (!saved()) event.preventDefault(); });
  window.addEventListener("offline", () => { if (!saved()) say("No network. What you typed stays here.", { long: true }); });
}
