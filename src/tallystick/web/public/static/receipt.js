// Check one receipt (C2SP .tlog-proof) against the log of this site, with WebCrypto and nothing else.
// Every word a person reads is in the page; here are only hashes, signatures and numbers.

const TILE = 256, HASH = 32;
const FILE_BYTES_MAX = 600000, TILE_BYTES_MAX = TILE * HASH, TEXT_BYTES_MAX = 300000;
const utf8 = new TextEncoder(), text = new TextDecoder("utf-8", { fatal: true });

class False extends Error {}
class Unknown extends Error {}

const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
const hex = (data) => Array.from(data, (b) => b.toString(16).padStart(2, "0")).join("");
const unhex = (digits) => Uint8Array.from(digits.match(/../g) || [], (pair) => parseInt(pair, 16));
const same = (a, b) => hex(a) === hex(b);

function joined(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { all.set(part, at); at += part.length; }
  return all;
}

const sha256 = async (...parts) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
const leafOf = (entry) => sha256([0], entry);
const parentOf = (left, right) => sha256([1], left, right);

function hash(line) {
  const data = bytes(line);
  if (data.length !== HASH) throw new False("a hash of another length");
  return data;
}

function number(line) {
  const found = Number(line);
  if (!/^(0|[1-9][0-9]{0,15})$/.test(line) || !Number.isSafeInteger(found)) throw new False(line);
  return found;
}

// ---- notes ---------------------------------------------------------------------------------

async function keyOf(vkey) {
  const [name, id, ...rest] = vkey.trim().split("+");
  const data = bytes(rest.join("+"));
  if (data[0] !== 1 || data.length !== 33) throw new Unknown("only Ed25519 keys are known here");
  const made = await sha256(utf8.encode(name + "\n"), data);
  if (hex(made.slice(0, 4)) !== id) throw new False("the key and its id differ");
  const key = await crypto.subtle.importKey("raw", data.slice(1), "Ed25519", false, ["verify"]);
  return { name, id, key };
}

async function openNote(note, log) {
  const at = note.lastIndexOf("\n\n");
  if (at < 0 || !note.endsWith("\n")) throw new False("no signature");
  const body = note.slice(0, at + 1);
  let good = false;
  for (const line of note.slice(at + 2, -1).split("\n")) {
    const [dash, name, encoded] = line.split(" ");
    if (dash !== "—" || name !== log.name) continue;
    const data = bytes(encoded);
    if (hex(data.slice(0, 4)) !== log.id) continue;
    const signed = data.slice(4);
    if (!(await crypto.subtle.verify("Ed25519", log.key, signed, utf8.encode(body)))) {
      throw new False("the signature does not fit");
    }
    good = true;
  }
  if (!good) throw new False("signed by another key");
  const [origin, size, root] = body.split("\n");
  if (origin !== log.name) throw new False("the checkpoint is of another log");
  return { origin, size: number(size), root: hash(root) };
}

// ---- trees ---------------------------------------------------------------------------------

// Sizes stay below 2^53, so plain arithmetic is exact; shifts would cut them to 32 bits.
function split(count) {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}

async function rootFrom(index, size, leaf, proof) {
  const sides = [];
  let low = 0, high = size;
  while (high - low > 1) {
    const middle = low + split(high - low);
    if (index < middle) { sides.push("right"); high = middle; }
    else { sides.push("left"); low = middle; }
  }
  if (sides.length !== proof.length) throw new False("hashes are missing, or too many");
  let found = leaf;
  for (const other of proof) {
    found = sides.pop() === "right" ? await parentOf(found, other) : await parentOf(other, found);
  }
  return found;
}

async function fold(hashes) {
  if (hashes.length === 1) return hashes[0];
  const at = split(hashes.length);
  return parentOf(await fold(hashes.slice(0, at)), await fold(hashes.slice(at)));
}

class Tiles {
  constructor(prefix, size) { this.prefix = prefix; this.size = size; this.kept = new Map(); }

  path(level, index, width) {
    let digits = String(index % 1000).padStart(3, "0");
    for (let n = Math.floor(index / 1000); n > 0; n = Math.floor(n / 1000)) {
      digits = `x${String(n % 1000).padStart(3, "0")}/${digits}`;
    }
    return `${this.prefix}/tile/${level}/${digits}${width < TILE ? `.p/${width}` : ""}`;
  }

  async tile(level, index) {
    const name = `${level}/${index}`;
    if (!this.kept.has(name)) {
      const width = Math.min(TILE, Math.floor(this.size / TILE ** level) - TILE * index);
      let data = await fetched(this.path(level, index, width), TILE_BYTES_MAX);
      if (data === null && width < TILE) data = await fetched(this.path(level, index, TILE));
      if (data === null || data.length < width * HASH) throw new Unknown(`tile ${name}`);
      this.kept.set(name, data);
    }
    return this.kept.get(name);
  }

  async node(count, start) {
    let level = 0, unit = 1;
    while (unit * TILE <= count) { unit *= TILE; level += 1; }
    const first = start / unit, data = await this.tile(level, Math.floor(first / TILE));
    const hashes = [];
    for (let n = 0; n < count / unit; n += 1) {
      const at = ((first % TILE) + n) * HASH;
      hashes.push(data.slice(at, at + HASH));
    }
    return fold(hashes);
  }

  async range(start, end) {
    const count = end - start, half = count === 1 ? 1 : split(count);
    if (count === 1 || half * 2 === count) return this.node(count, start);
    return parentOf(await this.range(start, start + half), await this.range(start + half, end));
  }

  // The root of the first `old` entries and of all, made from the same hashes: what is not common
  // to both trees is read once, so that a root that fits binds the other.
  async both(old, start, end) {
    if (old === end) { const all = await this.range(start, end); return [all, all]; }
    const middle = start + split(end - start);
    if (old <= middle) {
      const [part, all] = await this.both(old, start, middle);
      return [part, await parentOf(all, await this.range(middle, end))];
    }
    const left = await this.range(start, middle), [part, all] = await this.both(old, middle, end);
    return [await parentOf(left, part), await parentOf(left, all)];
  }
}

async function fetched(path, most = TILE_BYTES_MAX) {
  const reply = await fetch(path, { credentials: "omit", redirect: "error" });
  if (reply.status === 404) return null;
  if (!reply.ok) throw new Unknown(`${path}: ${reply.status}`);
  const data = new Uint8Array(await reply.arrayBuffer());
  if (data.length > most) throw new Unknown(`${path} is too large`);
  return data;
}

// ---- the receipt ---------------------------------------------------------------------------

function readProof(whole) {
  const at = whole.indexOf("\n\n"), lines = whole.slice(0, Math.max(at, 0)).split("\n");
  if (at < 0 || lines.shift() !== "c2sp.org/tlog-proof@v1") throw new False("not a .tlog-proof");
  if (!lines[0].startsWith("extra ")) throw new False("the file does not hold its entry");
  const held = JSON.parse(text.decode(bytes(lines.shift().slice(6))));
  if (!(lines[0] || "").startsWith("index ")) throw new False("no index");
  const index = number(lines.shift().slice(6));
  return { held, index, hashes: lines.map(hash), note: whole.slice(at + 2) };
}

async function checkOpening(held) {
  if (!held.content) throw new Unknown("");
  const made = await sha256(unhex(held.salt || ""), utf8.encode(held.content));
  if (hex(made) !== JSON.parse(held.entry).commitment) throw new False("");
  const list = document.getElementById("content");
  list.replaceChildren(...Object.entries(JSON.parse(held.content)).map(([name, value]) => {
    const row = document.createElement("div"), term = document.createElement("dt");
    const said = document.createElement("dd");
    const word = document.getElementById("words").content.querySelector(
      `[data-name="${CSS.escape(name)}"]`);
    term.textContent = word ? word.textContent : name;
    said.textContent = typeof value === "object" ? JSON.stringify(value) : String(value);
    row.append(term, said);
    return row;
  }));
  list.hidden = false;
  return "";
}

function show(name, state, said) {
  const steps = document.getElementById("steps");
  const row = steps.querySelector(`[data-step="${name}"]`);
  const pill = row.querySelector("[data-state]");
  pill.textContent = steps.dataset[state];
  pill.className = `pill pill--${state}`;
  row.querySelector("[data-said]").textContent = said || "";
}

async function step(name, run) {
  try {
    const found = await run();
    show(name, "good", found.said);
    return found;
  } catch (error) {
    const known = error instanceof False || error instanceof SyntaxError ||
      error.name === "InvalidCharacterError" || error instanceof TypeError && name !== "now" &&
      name !== "history";
    show(name, known ? "stop" : "care", error.message);
    return null;
  }
}

async function check(form) {
  for (const name of ["signature", "inclusion", "opening", "now", "history"]) show(name, "off", "");
  document.getElementById("content").hidden = true;
  const prefix = form.dataset.log, file = document.getElementById("file").files[0];
  const given = document.getElementById("vkey").value.trim();
  let log, proof, then, now;
  const signed = await step("signature", async () => {
    if (!file || file.size > FILE_BYTES_MAX) throw new False("no file, or too large a one");
    proof = readProof(text.decode(await file.arrayBuffer()));
    const shown = given ? null : await fetched(`${prefix}/log.vkey`, TEXT_BYTES_MAX);
    if (!given && shown === null) throw new Unknown("this site shows no key");
    log = await keyOf(given || text.decode(shown));
    then = await openNote(proof.note, log);
    return { said: `${log.name}, ${then.size}` };
  });
  if (signed) {
    await step("inclusion", async () => {
      if (proof.index >= then.size) throw new False("no such entry");
      const leaf = await leafOf(utf8.encode(proof.held.entry));
      const root = await rootFrom(proof.index, then.size, leaf, proof.hashes);
      if (!same(root, then.root)) throw new False("another root");
      const entry = JSON.parse(proof.held.entry);
      return { said: `${proof.index + 1}: ${entry.programme}, ${entry.kind}, ${entry.day}` };
    });
    await step("opening", async () => ({ said: await checkOpening(proof.held) }));
    await step("now", async () => {
      const shown = await fetched(`${prefix}/checkpoint`, TEXT_BYTES_MAX);
      if (shown === null) throw new Unknown("no checkpoint is shown");
      now = await openNote(text.decode(shown), log);
      return { said: String(now.size) };
    });
    if (now) await step("history", () => history(prefix, then, now));
  }
  document.getElementById("steps").dataset.done = "yes";
}

async function history(prefix, then, now) {
  if (now.size < then.size) throw new False(`${now.size} < ${then.size}`);
  if (now.size === then.size) {
    if (!same(now.root, then.root)) throw new False("two roots of one size");
    return { said: "" };
  }
  if (then.size === 0) return { said: "" };
  const [part, all] = await new Tiles(prefix, now.size).both(then.size, 0, now.size);
  if (!same(all, now.root)) throw new False("the tiles do not lead to the signed root");
  if (!same(part, then.root)) throw new False("another tree: keep your file, it is evidence");
  return { said: `${then.size} → ${now.size}` };
}

document.getElementById("form").addEventListener("submit", (event) => {
  event.preventDefault();
  delete document.getElementById("steps").dataset.done;
  check(event.target);
});
