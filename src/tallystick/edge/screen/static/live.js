// Makes the screen live; every act works without it. One stream says that there is a newer version,
// one swap puts it in. The swap keeps focus by id, typed text, and scroll while the screen is the same.
"use strict";
(() => {
  const QUIET_MS = 3000;
  const CHIME_AGAIN_MS = 20000;
  const root = document.documentElement;
  const home = () => root.dataset.page || "/";
  const live = document.createElement("p");
  live.className = "sr";
  live.setAttribute("role", "status");
  let latest = Number(root.dataset.version) || 0;
  let busy = false;
  let again = false;
  let sound = null;
  let chiming = 0;

  const listening = () => "listening" in root.dataset;
  const asked = () => !!document.querySelector("[role=alertdialog]");
  const typing = () => { const e = document.querySelector("[data-typed]"); return e ? e.textContent : ""; };
  const said = () => [...document.querySelectorAll("[data-say]")].map((e) => e.textContent.trim()).join(" ");
  // The status line outlives each swap, so that a screen reader hears what changed.
  const calm = () => document.querySelectorAll("[data-say]").forEach((e) => e.removeAttribute("role"));

  const swap = (html) => {
    const next = new DOMParser().parseFromString(html, "text/html");
    const there = next.documentElement;
    if (!there.dataset.version) { location.assign(home()); return; }
    const same = there.dataset.screen === root.dataset.screen && there.lang === root.lang;
    const was = { listening: listening(), asked: asked(), typed: typing() };
    const held = document.activeElement;
    const id = held && held.id;
    const typed = new Map([...document.querySelectorAll("input[type=text], textarea")].filter((e) => e.id).map((e) => [e.id, [e.value, e.selectionStart, e.selectionEnd]]));
    const ticked = [...document.querySelectorAll("input[type=checkbox]:checked")].map((e) => e.id);
    const opened = [...document.querySelectorAll("details[open] > summary")].map((e) => e.id);
    const scroll = [window.scrollX, window.scrollY];
    const before = said();
    for (const name of root.getAttributeNames()) if (!there.hasAttribute(name)) root.removeAttribute(name);
    for (const { name, value } of there.attributes) root.setAttribute(name, value);
    document.title = next.title;
    document.body.className = next.body.className;
    document.body.replaceChildren(...next.body.childNodes, live);
    latest = Number(root.dataset.version);
    if (same) {
      for (const [key, [value, from, to]] of typed) { const e = document.getElementById(key); if (e) { e.value = value; e.setSelectionRange(from, to); } }
      for (const key of ticked) { const e = document.getElementById(key); if (e) e.checked = true; }
      for (const key of opened) { const e = document.getElementById(key); if (e) e.parentElement.open = true; }
      window.scrollTo(...scroll);
    } else {
      window.scrollTo(0, 0);
      first = "";
    }
    const dialog = document.querySelector("[role=alertdialog] button");
    const target = dialog || (id && document.getElementById(id)) || (same ? null : document.querySelector("h1"));
    if (target && (dialog || id || !same)) {
      if (!target.matches("button, input, a, textarea, summary, [tabindex]")) target.tabIndex = -1;
      target.focus({ preventScroll: same && !dialog });
    }
    const after = said();
    calm();
    live.textContent = after !== before ? after : "";
    if (sound) sound.volume = loudness();
    hear(same && was.asked === asked(), was, after !== before && !!after);
  };

  // What is heard when a page has come or changed: the page, or only what is new on it.
  const hear = (same, was, news) => {
    if (!same || (was.listening && !listening())) hush();
    if (asked() && !was.asked) { chime(); return; }
    if (!listening()) return;
    if (!same || !was.listening) speak();
    else if (typing() !== was.typed) speak("typed");
    else if (news) speak("news");
  };

  const load = async (url, options) => {
    const reply = await fetch(url, { credentials: "same-origin", cache: "no-store", ...options });
    swap(await reply.text());
  };
  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try { do { again = false; await load(home()); } while (again); } catch { /* the stream tells us when it is back */ } finally { busy = false; }
  };

  const loudness = () => Math.min(Math.max(Number(root.dataset.volume) / 100 || 0, 0), 1);
  const hush = () => {
    if (sound) { sound.pause(); sound.removeAttribute("src"); sound = null; }
    document.querySelectorAll("[data-speak]").forEach((e) => e.removeAttribute("aria-pressed"));
  };
  const play = (url, after) => {
    hush();
    const mine = sound = new Audio(url);
    sound.volume = loudness();
    sound.addEventListener("ended", () => { if (sound === mine) { hush(); if (after) after(); } });
    sound.play().catch(() => { if (sound === mine) hush(); });
  };
  const speak = (part) => {
    const button = document.querySelector("[data-speak]");
    if (!button) return;
    play(`/speech.wav?v=${latest}${part ? `&part=${part}` : ""}`);
    button.setAttribute("aria-pressed", "true");
  };
  // The time-out is heard too, again and again while it stands; who listens then hears its words.
  const chime = () => {
    clearInterval(chiming);
    const ring = () => { if (!asked()) clearInterval(chiming); else if (!sound) play("/chime.wav", () => { if (asked() && listening()) speak(); }); };
    chiming = setInterval(ring, CHIME_AGAIN_MS);
    ring();
  };
  const act = (touch) => load("/touch", { method: "POST", body: new URLSearchParams({ touch }) }).catch(() => {});
  // Who asks for the voice hears this page now, and the next ones as they come.
  const listen = () => {
    if (sound) { hush(); if (listening()) act("hush"); return; }
    if (listening()) speak(); else act("listen");
  };

  // Twelve keys, for who cannot see the screen: a number does what the voice gave that number, in
  // the order of the page; 0 helps, * stops, # reads aloud and goes on reading each new page.
  const choices = () => [...(document.querySelector("[role=alertdialog]") || document.querySelector("main")).querySelectorAll("button, input[type=checkbox]")];
  // On a page with number keys they type; the hash key goes on, the star key takes back or stops.
  const padded = (key) => {
    const typed = document.querySelector(".slot .figure").textContent.trim() !== "–";
    return document.getElementById({ "#": "b-enter", "*": typed ? "b-delete" : "t-stop", Backspace: "b-delete" }[key] || `b-d${key}`);
  };
  // On a page with letter keys a letter takes two number keys, as its key shows; nothing is timed.
  let first = "";
  const near = (key) => {
    first = key;
    document.querySelectorAll("[data-code]").forEach((e) => e.classList.toggle("is-near", Boolean(key) && e.dataset.code[0] === key));
    return null;
  };
  const lettered = (key) => {
    const code = first + key;
    if (first && "*0123456789".includes(key)) { near(""); return document.querySelector(`[data-code="${code}"]`); }
    if (key >= "0" && key <= "9") return near(key);
    return document.querySelector(`[data-letter="${CSS.escape(key)}"]`) || padded(key);
  };
  const keyed = (key) => {
    if (document.querySelector("main:not([inert]) [data-codes]")) return lettered(key);
    if (document.querySelector("main:not([inert]) [data-pad]")) return padded(key);
    if (key >= "1" && key <= "9") return choices()[Number(key) - 1];
    const dialog = document.querySelector("[role=alertdialog]");
    if (key === "Backspace") return document.querySelector("main:not([inert]) button[value=back]");
    if (dialog) return key === "*" ? dialog.querySelector("button[value=stop]") : null;
    return document.getElementById({ 0: "t-help", "*": "t-stop" }[key] || "");
  };
  const LOUD = { "+": "louder", "-": "quieter", AudioVolumeUp: "louder", AudioVolumeDown: "quieter" };
  document.addEventListener("keydown", (event) => {
    if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || root.dataset.page) return;
    if (event.target.matches("input[type=text], textarea") || event.key.length > 1 && event.key !== "Backspace" && !LOUD[event.key]) return;
    // The star key stops when it is let go, so that how long it was held is known.
    if (event.key === "*") { hush(); starred = event.timeStamp; event.preventDefault(); return; }
    if (event.key === "#" && !document.querySelector("[data-pad]")) { listen(); return; }
    const types = event.key.length === 1 && document.querySelector("[data-codes]");
    if (LOUD[event.key] && !types) { event.preventDefault(); act(LOUD[event.key]); return; }
    const target = keyed(event.key);
    if (!target) return;
    event.preventDefault();
    hush();
    target.focus();
    target.click();
  });

  let starred = 0;
  document.addEventListener("keyup", (event) => {
    if (event.key !== "*" || !starred) return;
    quiet = event.timeStamp - starred >= QUIET_MS;
    starred = 0;
    const target = keyed("*");
    if (target) { target.focus(); target.click(); }
  });

  // Stop, held for three seconds, by touch or by its key, stops just as it always does, and tells an operator without a word.
  let turn = Promise.resolve();
  let pressed = 0;
  let quiet = false;
  // A touch silences the voice at once, but for those that only change it.
  document.addEventListener("pointerdown", (event) => { const e = event.target.closest("button"); if (e && !e.matches("[data-speak], [value=louder], [value=quieter]")) hush(); });
  document.addEventListener("pointerdown", (event) => { quiet = false; pressed = event.target.closest("button[value=stop]") ? event.timeStamp : 0; });
  document.addEventListener("pointerup", (event) => { quiet = pressed > 0 && event.timeStamp - pressed >= QUIET_MS; pressed = 0; });

  document.addEventListener("submit", async (event) => {
    const button = event.submitter;
    if (button && button.matches("[data-speak]")) { event.preventDefault(); listen(); return; }
    if (event.target.method !== "post") return;
    event.preventDefault();
    if (busy) { again = true; }
    busy = true;
    const form = new FormData(event.target, button);
    const stops = form.get("touch") === "stop";
    if (quiet && stops) form.set("touch", "quiet");
    quiet = false;
    const send = () => load(event.target.action, { method: "POST", body: new URLSearchParams(form) });
    try {
      // What is typed arrives in its order, however fast; Stop waits for nothing.
      turn = stops ? send() : turn.catch(() => {}).then(send);
      await turn;
    } catch { event.target.submit(); } finally { busy = false; if (again) { again = false; refresh(); } }
  });
  const follow = () => {
    const events = new EventSource("/events");
    events.addEventListener("version", (event) => { if (Number(event.data) !== latest) refresh(); });
    // A refused stream is not tried again by the browser itself.
    events.addEventListener("error", () => { if (events.readyState === EventSource.CLOSED) setTimeout(follow, 1000); });
  };
  document.body.append(live);
  calm();
  follow();
  if (asked()) chime(); else if (listening()) speak();
})();
