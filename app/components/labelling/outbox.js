// What the page has still to tell the server: labels, skips, drafts. It is sent until it is answered, each with an id that
// makes a second time a no-op, and kept in the browser, so that nothing is lost by a reload or a server that is away.

const KEPT = new Set(["save", "skip", "draft"]); // an undo that is sent again would take back another label
const AGAIN_MS = 8000; // without an answer

class Outbox {
  // `tell(ops)` hands them over; `name` is of the project, queue and labeller.
  constructor(name, tell) {
    this.name = name;
    this.tell = tell;
    this.ops = read(name);
  }

  // A draft or renewal takes the place of one that waits; a label or skip that of the item's draft.
  add(op) {
    const stale = (one) => one.op === op.op && one.number === op.number && ["draft", "renew", "take"].includes(op.op);
    const drafted = (one) => one.op === "draft" && one.number === op.number && ["save", "skip"].includes(op.op);
    this.ops = [...this.ops.filter((one) => !stale(one) && !drafted(one)), { id: uuid(), ...op }];
    this.keep();
    return this.ops.at(-1).id;
  }

  send() {
    clearTimeout(this.waiting);
    if (!this.ops.length) return;
    this.tell(this.ops);
    this.waiting = setTimeout(() => this.send(), AGAIN_MS);
  }

  // What was answered of these, as [op, answer]; it is told no more.
  settle(answers) {
    const done = this.ops.filter(({ id }) => Object.hasOwn(answers, id)).map((op) => [op, answers[op.id]]);
    if (!done.length) return done;
    this.ops = this.ops.filter(({ id }) => !Object.hasOwn(answers, id));
    this.keep();
    if (!this.ops.length) clearTimeout(this.waiting);
    return done;
  }

  of(number, ...kinds) {
    return this.ops.findLast((op) => op.number === number && kinds.includes(op.op));
  }

  get unsaved() {
    return this.ops.filter(({ op }) => op === "save" || op === "skip").length;
  }

  keep() {
    const kept = this.ops.filter(({ op }) => KEPT.has(op));
    try {
      if (kept.length) localStorage.setItem(this.name, JSON.stringify(kept));
      else localStorage.removeItem(this.name);
    } catch {
      // Full, or switched off: the server is told all the same.
    }
  }

  close() {
    clearTimeout(this.waiting);
  }
}

function read(name) {
  try {
    const kept = JSON.parse(localStorage.getItem(name) ?? "[]");
    return Array.isArray(kept) ? kept.filter((op) => KEPT.has(op?.op) && op.id) : [];
  } catch {
    return [];
  }
}

// Over plain HTTP `crypto.randomUUID` is there on the machine itself alone.
function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
