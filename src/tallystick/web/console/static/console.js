// Keeps a page of the console fresh. Every page works without it; a form being filled in is left alone.
"use strict";
(() => {
  const typing = () => {
    const held = document.activeElement;
    return held && held.matches("input, select, textarea") && held.id !== "";
  };
  const load = async () => {
    if (typing() || document.hidden || document.body.dataset.live !== "yes") return;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    const held = document.activeElement && document.activeElement.id;
    for (const part of ["main", "nav"]) {
      const from = next.getElementById(part);
      const to = document.getElementById(part);
      if (from && to) to.replaceChildren(...from.childNodes);
    }
    const again = held && document.getElementById(held);
    if (again) again.focus({ preventScroll: true });
  };
  let first = true;
  const news = new EventSource("/events");
  news.addEventListener("version", () => { if (first) { first = false; return; } load(); });
  document.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", () => navigator.clipboard.writeText(button.dataset.copy)));
})();
