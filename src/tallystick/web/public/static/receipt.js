// Check one receipt (C2SP .tlog-proof) against the log of this site, with WebCrypto and nothing else.
// Every word a person reads is in the page, by its name; here are hashes, signatures and numbers.

const TILE = 256, HASH = 32;
const FILE_BYTES_MAX = 600000, TILE_BYTES_MAX = TILE * HASH, TEXT_BYTES_MAX = 300000;
const KEYS_BYTES_MAX = 4000000, LINKS_MAX = 100;
const STEPS = ["signature", "inclusion", "opening", "now", "history", "witnesses"];
const utf8 = new TextEncoder(), text = new TextDecoder("utf-8", { fatal: true });

// The first argument names a sentence of the page, the second is a number or a name beside it.
class Told extends Error { constructor(word, more = "") { super(word); this.more = more; } }
class False extends Told {}
class Unknown extends Told {}

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
  if (data.length !== HASH) throw new False("form");
  return data;
}

function number(line) {
  const found = Number(line);
  if (!/^(0|[1-9][0-9]{0,15})$/.test(line) || !Number.isSafeInteger(found)) throw new False("form");
  return found;
}

// ---- notes ---------------------------------------------------------------------------------

async function keyOf(vkey, types = [1]) {
  const [name, id, ...rest] = vkey.trim().split("+");
  const data = bytes(rest.join("+")), type = data[0];
  if (!types.includes(type)) throw new Unknown("key-type");
  const made = await sha256(utf8.encode(name + "\n"), data);
  if (hex(made.slice(0, 4)) !== id) throw new False("key-id");
  if (type === 6) return { name, id, type, vkey };
  if (data.length !== 33) throw new False("key-id");
  const key = await crypto.subtle.importKey("raw", data.slice(1), "Ed25519", false, ["verify"]);
  return { name, id, type, key, vkey: vkey.trim() };
}

function takeApart(note) {
  const at = note.lastIndexOf("\n\n");
  if (at < 0 || !note.endsWith("\n")) throw new False("unsigned");
  const lines = note.slice(at + 2, -1).split("\n").map((line) => {
    const [dash, name, encoded] = line.split(" ");
    if (dash !== "—" || !encoded) throw new False("unsigned");
    const data = bytes(encoded);
    return { name, id: hex(data.slice(0, 4)), signature: data.slice(4) };
  });
  return { body: note.slice(0, at + 1), lines };
}

// Open a checkpoint by the keys that the log has or had; return what it says and who signed.
async function openNote(note, logs) {
  const { body, lines } = takeApart(note), by = [];
  for (const line of lines) {
    const log = logs.find((one) => one.name === line.name && one.id === line.id);
    if (!log) continue;
    if (!(await crypto.subtle.verify("Ed25519", log.key, line.signature, utf8.encode(body)))) {
      throw new False("signature");
    }
    by.push(log);
  }
  if (!by.length) throw new False("other-key");
  const [origin, size, root] = body.split("\n");
  if (origin !== logs[0].name) throw new False("other-log");
  return { origin, size: number(size), root: hash(root), body, lines, by };
}

// The keys that follow a key or came before it: each change is an entry of the log, in a tree that
// both keys signed.
async function keysFrom(prefix, first) {
  const shown = await fetched(`${prefix}/keys.json`, KEYS_BYTES_MAX);
  const known = [first];
  if (shown === null) return known;
  const links = [];
  for (const whole of JSON.parse(text.decode(shown)).links.slice(0, LINKS_MAX)) {
    try { links.push(await linkOf(whole)); } catch { throw new False("rotation"); }
  }
  for (let found = true; found;) {
    found = false;
    for (const { old, fresh } of links) {
      for (const [from, to] of [[old, fresh], [fresh, old]]) {
        const has = (key) => known.some((one) => one.vkey === key.vkey);
        if (has(from) && !has(to)) { known.push(to); found = true; }
      }
    }
  }
  return known;
}

async function linkOf(whole) {
  const proof = readProof(whole), entry = JSON.parse(proof.held.entry);
  const said = JSON.parse(proof.held.content);
  const made = await sha256(unhex(proof.held.salt || ""), utf8.encode(proof.held.content));
  const old = await keyOf(said.old), fresh = await keyOf(said.new);
  const then = await openNote(proof.note, [old, fresh]);
  const root = await rootFrom(
    proof.index, then.size, await leafOf(utf8.encode(proof.held.entry)), proof.hashes);
  const holds = entry.programme === "log" && entry.kind === "log_key" &&
    entry.commitment === hex(made) && proof.index < then.size && same(root, then.root) &&
    said.origin === old.name && old.name === fresh.name &&
    [old, fresh].every((key) => then.by.includes(key));
  if (!holds) throw new False("rotation");
  return { old, fresh };
}

// ---- witnesses -----------------------------------------------------------------------------

async function readPolicy(given) {
  const witnesses = new Map(), groups = new Map();
  let quorum = "none";
  for (const line of given.split("\n")) {
    const [kind, name, ...rest] = line.trim().split(/\s+/);
    if (kind === "witness") witnesses.set(name, await keyOf(rest[0], [4, 6]));
    else if (kind === "group") {
      const members = rest.slice(1), count = { all: members.length, any: 1 }[rest[0]];
      groups.set(name, { members, count: count || number(rest[0]) });
    } else if (kind === "quorum") quorum = name;
  }
  return { witnesses, groups, quorum };
}

// Return who of the policy signed a checkpoint's text, and when; whose signature cannot be checked.
async function cosigned(policy, note) {
  const by = new Map(), unsure = [];
  for (const [name, key] of policy.witnesses) {
    for (const line of note.lines.filter((one) => one.name === key.name && one.id === key.id)) {
      if (key.type === 6) { unsure.push(name); continue; }
      const time = new DataView(line.signature.buffer, line.signature.byteOffset).getBigUint64(0);
      const message = utf8.encode(`cosignature/v1\ntime ${time}\n${note.body}`);
      const proper = line.signature.slice(8);
      if (!(await crypto.subtle.verify("Ed25519", key.key, proper, message))) {
        throw new False("signature", key.name);
      }
      by.set(name, Number(time));
    }
  }
  return { by, unsure };
}

function satisfied(policy, by, name = policy.quorum) {
  if (policy.witnesses.has(name)) return by.has(name);
  const group = policy.groups.get(name);
  if (!group) return false;
  return group.members.filter((one) => satisfied(policy, by, one)).length >= group.count;
}

// The newest checkpoint waits for no witness; then one a little behind it has the quorum.
async function witnessed(prefix, logs, now, given) {
  const shown = given ?? await fetched(`${prefix}/policy`, TEXT_BYTES_MAX);
  if (shown === null) throw new Unknown("no-policy");
  const policy = await readPolicy(typeof shown === "string" ? shown : text.decode(shown));
  if (policy.quorum === "none") throw new Unknown("no-policy");
  let seen = now, { by, unsure } = await cosigned(policy, now);
  if (!satisfied(policy, by)) {
    const behind = await fetched(`${prefix}/checkpoint.witnessed`, TEXT_BYTES_MAX);
    if (behind !== null) {
      seen = await openNote(text.decode(behind), logs);
      await history(prefix, seen, now);
      ({ by, unsure } = await cosigned(policy, seen));
    }
  }
  const names = [...by].map(([name, time]) =>
    `${policy.witnesses.get(name).name} (${new Date(time * 1000).toISOString().slice(0, 16)} UTC)`);
  if (satisfied(policy, by)) return { said: `${seen.size}: ${names.join(", ")}` };
  if (unsure.length && satisfied(policy, new Map([...by, ...unsure.map((name) => [name, 0])]))) {
    throw new Unknown("ml-dsa", unsure.join(", "));
  }
  throw new False("quorum", names.join(", "));
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
  if (sides.length !== proof.length) throw new False("hashes");
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
      if (data === null || data.length < width * HASH) throw new Unknown("unread", `tile ${name}`);
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

// Tiles never change; all else is asked for anew, so that a check is of the log as it stands now.
async function fetched(path, most = TILE_BYTES_MAX) {
  const cache = path.includes("/tile/") ? "default" : "no-cache";
  const reply = await fetch(path, { cache, credentials: "omit", redirect: "error" });
  if (reply.status === 404) return null;
  if (!reply.ok) throw new Unknown("unread", `${path}: ${reply.status}`);
  const data = new Uint8Array(await reply.arrayBuffer());
  if (data.length > most) throw new Unknown("unread", path);
  return data;
}

// ---- the receipt ---------------------------------------------------------------------------

function readProof(whole) {
  const at = whole.indexOf("\n\n"), lines = whole.slice(0, Math.max(at, 0)).split("\n");
  if (at < 0 || lines.shift() !== "c2sp.org/tlog-proof@v1") throw new False("form");
  if (!lines[0].startsWith("extra ")) throw new False("form");
  const held = JSON.parse(text.decode(bytes(lines.shift().slice(6))));
  if (!(lines[0] || "").startsWith("index ")) throw new False("form");
  const index = number(lines.shift().slice(6));
  return { held, index, hashes: lines.map(hash), note: whole.slice(at + 2) };
}

async function checkOpening(held) {
  if (!held.content) throw new Unknown("no-opening");
  const made = await sha256(unhex(held.salt || ""), utf8.encode(held.content));
  if (hex(made) !== JSON.parse(held.entry).commitment) throw new False("opening");
  const list = document.getElementById("content");
  list.replaceChildren(...Object.entries(JSON.parse(held.content)).map(([name, value]) => {
    const row = document.createElement("div"), term = document.createElement("dt");
    const said = document.createElement("dd");
    term.textContent = word(name);
    said.textContent = typeof value === "object" ? JSON.stringify(value) : String(value);
    row.append(term, said);
    return row;
  }));
  list.hidden = false;
  return "";
}

// Return a sentence of the page by its name, or the name itself where the page has none.
function word(name) {
  const found = document.getElementById("words").content.querySelector(
    `[data-name="${CSS.escape(name)}"]`);
  return found ? found.textContent : name;
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
    const network = ["now", "history", "witnesses"].includes(name);
    const known = error instanceof False || error instanceof SyntaxError ||
      error.name === "InvalidCharacterError" || error instanceof TypeError && !network;
    const said = error instanceof Told ? [word(error.message), error.more] : [word("form")];
    show(name, known ? "stop" : "care", said.filter(Boolean).join(": "));
    return null;
  }
}

async function check(form) {
  for (const name of STEPS) show(name, "off", "");
  document.getElementById("content").hidden = true;
  const prefix = form.dataset.log, file = document.getElementById("file").files[0];
  const given = document.getElementById("vkey").value.trim();
  const policy = document.getElementById("policy").files[0];
  let logs, proof, then, now;
  const signed = await step("signature", async () => {
    if (!file || file.size > FILE_BYTES_MAX) throw new False("no-file");
    proof = readProof(text.decode(await file.arrayBuffer()));
    const shown = given ? null : await fetched(`${prefix}/log.vkey`, TEXT_BYTES_MAX);
    if (!given && shown === null) throw new Unknown("no-key");
    logs = await keysFrom(prefix, await keyOf(given || text.decode(shown)));
    then = await openNote(proof.note, logs);
    return { said: `${logs[0].name}, ${then.size}` };
  });
  if (signed) {
    await step("inclusion", async () => {
      if (proof.index >= then.size) throw new False("no-entry");
      const leaf = await leafOf(utf8.encode(proof.held.entry));
      const root = await rootFrom(proof.index, then.size, leaf, proof.hashes);
      if (!same(root, then.root)) throw new False("root");
      const entry = JSON.parse(proof.held.entry);
      return { said: `${proof.index + 1}: ${entry.programme}, ${entry.kind}, ${entry.day}` };
    });
    await step("opening", async () => ({ said: await checkOpening(proof.held) }));
    await step("now", async () => {
      const shown = await fetched(`${prefix}/checkpoint`, TEXT_BYTES_MAX);
      if (shown === null) throw new Unknown("unread", "checkpoint");
      now = await openNote(text.decode(shown), logs);
      return { said: String(now.size) };
    });
    if (now) await step("history", () => history(prefix, then, now));
    if (now) {
      await step("witnesses", async () => {
        if (policy && policy.size > TEXT_BYTES_MAX) throw new False("no-file");
        return witnessed(prefix, logs, now, policy ? await policy.text() : null);
      });
    }
  }
  document.getElementById("steps").dataset.done = "yes";
}

async function history(prefix, then, now) {
  if (now.size < then.size) throw new False("older", `${now.size} < ${then.size}`);
  if (now.size === then.size) {
    if (!same(now.root, then.root)) throw new False("another-tree");
    return { said: "" };
  }
  if (then.size === 0) return { said: "" };
  const [part, all] = await new Tiles(prefix, now.size).both(then.size, 0, now.size);
  if (!same(all, now.root)) throw new False("root");
  if (!same(part, then.root)) throw new False("another-tree");
  return { said: `${then.size} → ${now.size}` };
}

document.getElementById("form").addEventListener("submit", (event) => {
  event.preventDefault();
  delete document.getElementById("steps").dataset.done;
  check(event.target);
});
