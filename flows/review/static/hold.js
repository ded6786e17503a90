// Keeps an opened document for its reviewer while it is worked on, and gives it back on leaving.

const mark = document.querySelector("[data-hold]");

const post = (href) => {
  const form = new FormData();
  form.set("token", mark.dataset.token);
  return fetch(href, { method: "POST", body: new URLSearchParams(form), credentials: "same-origin" });
};

if (mark) {
  const seconds = Number(mark.dataset.seconds);
  let touched = true;
  let leaving = false; // a form that is sent decides, hands over or takes over: that ends the hold itself
  for (const kind of ["keydown", "pointerdown", "wheel"]) {
    addEventListener(kind, () => { touched = true; }, { passive: true });
  }
  addEventListener("submit", () => { leaving = true; }, true);

  const keep = async () => {
    if (!touched || document.visibilityState !== "visible") return;
    touched = false;
    try {
      const answer = await post(mark.dataset.hold);
      // Somebody else has it: the page as the server shows it now says who.
      if (answer.status === 409 && !document.querySelector("[data-changed]")) location.reload();
    } catch {
      touched = true; // no network just now; decisions are checked by the server all the same
    }
  };
  keep();
  setInterval(keep, Math.max(5, seconds / 3) * 1000);
  addEventListener("pagehide", (event) => {
    if (leaving || event.persisted) return;
    const form = new URLSearchParams({ token: mark.dataset.token });
    navigator.sendBeacon(mark.dataset.letGo, form);
  });
}
