// The one script of the sign-in pages: it carries a question to navigator.credentials and the
// answer back. No library; every sentence it shows is in the page (data-say-*) or from the server.
"use strict";

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function post(url, body, word) {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  if (word) headers["Tallystick-Form"] = word;
  const response = await fetch(url, { method: "POST", headers, body, credentials: "same-origin" });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(answer.title), { say: answer.say });
  return answer;
}

function question(options) {
  const named = (list) => (list || []).map((key) => ({ ...key, id: bytes(key.id) }));
  const ready = { ...options, challenge: bytes(options.challenge) };
  if (options.user) ready.user = { ...options.user, id: bytes(options.user.id) };
  if (options.excludeCredentials) ready.excludeCredentials = named(options.excludeCredentials);
  if (options.allowCredentials) ready.allowCredentials = named(options.allowCredentials);
  return { publicKey: ready };
}

function answer(found) {
  const response = { clientDataJSON: text(found.response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"])
    if (found.response[name]) response[name] = text(found.response[name]);
  return JSON.stringify({ id: found.id, rawId: text(found.rawId), type: found.type, response });
}

async function ceremony(form) {
  const { kind, begin, finish, word } = form.dataset;
  const asked = question(await post(begin, "{}", word));
  const found = await (kind === "register"
    ? navigator.credentials.create(asked)
    : navigator.credentials.get(asked));
  return post(finish, answer(found), word);
}

function sentence(form, error) {
  if (error.say) return error.say;
  if (error.name === "InvalidStateError") return form.dataset.sayHeld;
  if (error.name === "NotAllowedError" || error.name === "AbortError") return form.dataset.sayStopped;
  return error.name === "TypeError" ? form.dataset.sayLost : form.dataset.sayWrong;
}

for (const form of document.querySelectorAll("form[data-kind]")) {
  const button = form.querySelector("button");
  const notice = form.querySelector("[role=status]");
  const show = (kind, words) => {
    notice.className = `note note--${kind}`;
    notice.textContent = words;
    notice.hidden = false;
  };
  button.disabled = false;
  if (!window.PublicKeyCredential) show("stop", form.dataset.sayOld);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    show("wait", form.dataset.sayWaiting);
    try {
      location.assign((await ceremony(form)).next);
    } catch (error) {
      show("stop", sentence(form, error));
      button.disabled = false;
      button.focus();
    }
  });
}
