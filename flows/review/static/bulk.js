// Accepts the rest some at a time, and shows how far it is. Without this the button does one step for each press.
const form = document.getElementById("bulk-accept");

async function step() {
  const answer = await fetch(form.action, {
    method: "POST",
    body: new URLSearchParams(new FormData(form)),
    headers: { Accept: "application/json" },
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  const trouble = document.getElementById("bulk-error");
  button.disabled = true;
  trouble.hidden = true;
  try {
    for (;;) {
      const now = await step();
      document.getElementById("bulk-progress").value = now.done;
      document.getElementById("bulk-count").textContent = `${now.done} of ${now.rest}`;
      if (now.open === 0 || now.state !== "ready") break;
    }
    location.reload();
  } catch {
    trouble.hidden = false;
    button.disabled = false;
  }
});
