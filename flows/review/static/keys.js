// Shared by all pages: one key handler, and the help dialog behind "?".

/** Whether typing goes into an element: then letters are text, not commands. */
export function isTyping(target) {
  return target instanceof HTMLElement && target.closest("input, textarea, select") !== null;
}

/** Calls `commands[key]` for a plain key press outside inputs; a command that returns false leaves the key alone. */
export function bindKeys(commands) {
  const help = document.getElementById("help");
  for (const button of document.querySelectorAll("[data-help]")) {
    button.addEventListener("click", () => help.showModal());
  }
  const all = { "?": () => help.showModal(), ...commands };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target)) return;
    if (help.open) {
      if (event.key === "?") { event.preventDefault(); help.close(); }
      return;
    }
    if (Object.hasOwn(all, event.key) && all[event.key](event) !== false) event.preventDefault();
  });
}
