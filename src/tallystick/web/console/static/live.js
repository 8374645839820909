// Keeps a page of the console fresh. Every page works without it; a form being filled in is left
// alone, and what did not change is not put in again, so that nothing is read aloud twice.
"use strict";
(() => {
  const FIELDS = "input:not([type=hidden]), select, textarea";
  const busy = () => {
    const held = document.activeElement;
    const picked = window.getSelection();
    return (held && held.matches(FIELDS)) || (picked && !picked.isCollapsed) || document.hidden;
  };
  const keep = (from, to) => {
    for (const shut of from.querySelectorAll("details[id]")) {
      const now = document.getElementById(shut.id);
      if (now && now.open) shut.open = true;
    }
    for (const place of from.querySelectorAll(".scroll")) {
      const now = [...to.querySelectorAll(".scroll")].find((one) => one.ariaLabel === place.ariaLabel);
      if (now && now.scrollLeft) place.dataset.left = now.scrollLeft;
    }
  };
  const put = (from, to) => {
    keep(from, to);
    const fresh = [...from.children];
    const old = [...to.children];
    if (fresh.length === old.length && fresh.every((one, at) => one.id === old[at].id)) {
      fresh.forEach((one, at) => { if (!one.isEqualNode(old[at])) old[at].replaceWith(one); });
    } else {
      to.replaceChildren(...fresh);
    }
    for (const place of to.querySelectorAll("[data-left]")) {
      place.scrollLeft = Number(place.dataset.left);
      delete place.dataset.left;
    }
  };
  const way = (element) => (element.id ? `#${CSS.escape(element.id)}` : element.matches("a[href]") ? `a[href="${CSS.escape(element.getAttribute("href"))}"]` : "");
  const load = async () => {
    if (busy() || document.body.dataset.live !== "yes") return;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected || busy()) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    const held = document.activeElement;
    const back = held && held !== document.body ? way(held) : "";
    for (const part of ["main", "nav"]) {
      const from = next.getElementById(part);
      const to = document.getElementById(part);
      if (from && to) put(from, to);
    }
    const again = back && document.querySelector(back);
    if (again && document.activeElement !== again) again.focus({ preventScroll: true });
  };
  let shown = "";
  const news = new EventSource("/events");
  news.addEventListener("version", (event) => {
    if (shown && shown !== event.data) load().catch(() => {});
    shown = event.data;
  });
})();
