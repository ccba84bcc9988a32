// The labelling page: item left, form right, all of it here, so that the next item is there when the key is pressed.
// Items come ahead (`hand`); what is said of them leaves through the outbox, and the server answers when it does.

const DRAFT_MS = 2000; // after the last change
const TRAIL = 50; // items that one can go back to
const MAC = /Mac|iP(hone|ad)/.test(navigator.platform);

class Desk {
  constructor(parent) {
    this.items = new Map();
    this.hand = [];
    this.build();
    parent.append(this.root);
    this.ending = new AbortController();
    const { signal } = this.ending;
    document.addEventListener("keydown", (event) => this.press(event), { signal });
    this.clock = new Clock(signal);
    document.addEventListener("visibilitychange", () => this.seen(), { signal });
    addEventListener("pagehide", () => this.note(), { signal });
    addEventListener("resize", () => this.fit(), { signal });
  }

  close() {
    this.note();
    this.ending.abort();
    this.outbox?.close();
    for (const timer of [this.drafting, this.renewing, this.asking]) clearTimeout(timer);
    this.root.remove();
  }

  build() {
    this.root = element("div", "desk");
    this.name = element("span", "number");
    this.queueName = element("a", "queue");
    this.name.setAttribute("role", "status");
    this.course = element("span", "course");
    this.course.setAttribute("role", "status");
    this.guide = new Guide();
    this.guiding = tool("g", "Guidelines", () => this.guidelines());
    this.folding = tool("f", "Whole texts", () => this.fold());
    const [back, on] = [tool("←", "", () => this.go(-1)), tool("→", "", () => this.go(1))];
    back.setAttribute("aria-label", "Item before");
    on.setAttribute("aria-label", "Next item");
    const head = element("header", "");
    const keys = tool("?", "Keys", () => document.dispatchEvent(new KeyboardEvent("keydown", { key: "?" })));
    head.append(this.queueName, back, on, this.name, this.folding, this.guiding, keys, this.course);
    this.told = element("div", "notice");
    this.told.setAttribute("role", "alert");
    this.told.hidden = true;
    this.failing = element("div", "notice failing");
    this.failing.setAttribute("role", "status");
    const notices = element("div", "notices");
    notices.append(this.failing, this.told);
    this.pane = element("div", "item");
    this.pane.tabIndex = 0;
    this.pane.setAttribute("aria-label", "Item");
    this.side = element("div", "side");
    this.place = element("div", "place");
    this.others = element("div", "others");
    this.side.append(this.place, this.foot());
    const panes = element("div", "panes");
    panes.append(head, notices, this.pane, this.guide.root, this.side);
    this.root.append(panes);
    this.root.tabIndex = -1;
  }

  foot() {
    const made = element("footer", "");
    this.saving = tool(MAC ? "⌘ ↵" : "Ctrl ↵", "Save", () => this.save());
    this.saving.classList.add("primary");
    this.skipping = tool("s", "Skip", () => this.skip());
    this.undoing = tool("u", "Undo", () => this.undo());
    this.state = element("span", "quiet state");
    this.state.setAttribute("role", "status");
    this.reasons = new Reasons((reason) => this.skipped(reason), () => this.unskipped());
    made.append(this.saving, this.skipping, this.undoing, this.state, this.others, this.reasons.root);
    return made;
  }

  // What the server's side says: the queue when it is not known here, items in hand, answers to what was told.
  take({ data, setStateValue }) {
    this.tell = (ops) => {
      this.turn = (this.turn ?? 0) + 1;
      const knows = { queue: this.queue?.of, items: [...this.items.keys()] };
      setStateValue("outbox", { of: this.of, turn: `${this.born}-${this.turn}`, ops, knows });
    };
    this.born ??= uuid().slice(0, 8);
    if (data.of !== this.of) this.begin(data);
    this.adopt(data);
    if (data.queue_of !== this.queue?.of) return this.ask("take");
    const answers = this.outbox.settle(data.answers);
    this.merge(data.hand);
    for (const [op, answer] of answers) this.answered(op, answer);
    if (data.answers["-"] && this.linked) this.notice(data.answers["-"].refused);
    this.paint();
    if (!this.item) this.open(this.first());
    this.flush();
    this.renew();
  }

  // Another queue or labeller: all is another's.
  begin(data) {
    this.note();
    this.outbox?.close();
    this.items.clear();
    this.back = new Set(); // numbers of items taken back here, and not by the server yet
    Object.assign(this, { of: data.of, hand: [], trail: [], past: [], item: null, form: null, queue: null, linked: data.wanted });
    this.outbox = new Outbox(`assay-labelling ${data.of}`, (ops) => this.tell(ops));
  }

  adopt(data) {
    this.data = data;
    if (!data.queue || data.queue.of === this.queue?.of) return;
    const other = this.queue && data.queue.fields_version !== this.queue.fields_version;
    this.queue = data.queue;
    this.guide.take(data.queue, data.of);
    this.guiding.hidden = !this.guide.there;
    if (other && this.item) this.show(this.item); // the form is another one; what fits it stays
  }

  // Items as they are in hand now; the one before somebody stays before them.
  merge(hand) {
    for (const told of hand) {
      const known = this.items.get(told.number) ?? {};
      if (!told.content && !known.content) continue;
      const item = Object.assign(known, { ...told, content: told.content ?? known.content });
      if (!this.items.has(item.number)) this.items.set(item.number, item);
      const moving = !this.outbox.ops.some(({ op }) => op === "undo") && this.outbox.of(item.number, "save", "skip");
      if (moving) Object.assign(item, { done: moving.op });
      else if (!item.mine || item.done) Object.assign(item, this.begun(item));
      if (item.lost && item === this.item) this.lost(item.number);
    }
    const numbers = hand.map(({ number }) => number).filter((number) => this.items.has(number));
    const held = this.item && !this.item.done && !numbers.includes(this.item.number) ? [this.item.number] : [];
    this.hand = [...held, ...numbers];
    this.forget();
  }

  lost(number) {
    const words = `The time for item ${number} was over and others have it. What you filled in is kept as a draft.`;
    if (this.told.hidden) this.notice(words);
  }

  // What an item begins with: what was typed and not told yet, else the draft, else what was saved.
  begun(item) {
    const draft = this.outbox.of(item.number, "draft") ?? item.draft;
    const mine = draft ?? { answers: item.answers, comment: item.comment };
    const saved = Boolean(item.answers) && !draft;
    if (saved) this.remember(item.number);
    return { mine: { answers: mine.answers, comment: mine.comment }, seconds: draft?.seconds ?? 0, done: saved ? "save" : null };
  }

  forget() {
    const needed = new Set([...this.hand, ...this.trail, this.item?.number, ...this.outbox.ops.map(({ number }) => number)]);
    for (const number of this.items.keys()) if (!needed.has(number)) this.items.delete(number);
  }

  remember(number) {
    this.trail = [...this.trail.filter((one) => one !== number), number].slice(-TRAIL);
  }

  get fresh() {
    return this.hand.filter((number) => !this.items.get(number)?.done && !this.items.get(number)?.lost);
  }

  // The item that the link names is shown once.
  first() {
    const linked = this.items.has(this.linked) ? this.linked : this.fresh[0];
    this.linked = undefined;
    return linked;
  }

  open(number) {
    const item = this.items.get(number);
    if (item) this.show(item);
    else this.nothing();
  }

  show(item) {
    this.leave();
    this.item = item;
    this.clock.begin(item.seconds ?? 0);
    const names = !this.queue.blind || item.done === "save";
    const marks = this.queue.fields.some(({ kind }) => kind === "spans");
    this.shown = new Shown(item, { compares: this.queue.compares, names, marks });
    this.form = new Form(this.queue, item, this.shown, { changed: () => this.changed(), hint: (words) => this.say(words) });
    this.form.set(item.mine);
    this.pane.replaceChildren(this.shown.root);
    this.place.replaceChildren(this.form.root);
    this.form.grow();
    this.pane.scrollTop = 0;
    this.side.scrollTop = 0;
    this.reasons.close();
    this.paint();
    this.fit();
    if (this.free()) this.form.focus(0);
  }

  // Whether nobody is at work elsewhere on the page.
  free() {
    const active = document.activeElement;
    return !active || active === document.body || active.contains(this.root.getRootNode().host ?? this.root);
  }

  // The item that is left: what was changed is told.
  leave() {
    if (!this.item) return;
    this.note();
    this.item.seconds = this.clock.seconds;
  }

  nothing() {
    this.leave();
    Object.assign(this, { item: null, form: null, shown: null });
    const waits = this.outbox.ops.some(({ op }) => op !== "draft" && op !== "renew");
    const made = element("div", "nothing");
    const [title, why] = waits ? ["The next item is on its way.", ""] : this.data.none;
    const link = element("a", "", "To the queue");
    link.href = queuePath(this.data.name);
    made.append(element("h2", "", title), element("p", "", why));
    if (!waits) made.append(tool("", "Ask again", () => this.ask("take")), " ", link);
    this.pane.replaceChildren(made);
    this.place.replaceChildren();
    this.paint();
    clearTimeout(this.asking);
    if (!waits && this.data.again_s) this.asking = setTimeout(() => this.again(), 1000 * this.data.again_s);
  }

  again() {
    if (document.visibilityState === "visible") this.ask("take");
  }

  ask(op, more = {}) {
    this.outbox.add({ op, ...more });
    this.outbox.send();
  }

  // What is still to be told after a reload, or as the server's answer did not come.
  flush() {
    if (this.flushed === this.of) return;
    this.flushed = this.of;
    this.outbox.send();
  }

  changed() {
    this.dirty = true;
    this.item.mine = this.form.said;
    this.outbox.add(this.draft()); // in the browser at once, so that a reload right after a key loses nothing
    clearTimeout(this.drafting);
    this.drafting = setTimeout(() => this.note(), DRAFT_MS);
    this.say("");
  }

  draft() {
    const { number, mine } = this.item;
    return { op: "draft", number, ...mine, seconds: round(this.clock.seconds) };
  }

  note() {
    clearTimeout(this.drafting);
    if (!this.dirty || !this.item) return;
    this.dirty = false;
    this.outbox.send();
  }

  save() {
    if (!this.item || !this.form.fits()) return;
    const item = this.item;
    item.mine = this.form.said;
    const was = { answers: item.answers, comment: item.comment };
    this.dirty = false;
    clearTimeout(this.drafting);
    if (item.done !== "save" || !alike(was, item.mine)) {
      const { number, lease_id } = item;
      const { fields_version } = this.queue;
      this.outbox.add({ op: "save", number, lease_id, ...item.mine, seconds: round(this.clock.seconds), fields_version });
      this.clock.begin(0);
    }
    this.finish(item, "save");
  }

  finish(item, how) {
    const next = this.after(item.number);
    item.done = how;
    if (how === "save") Object.assign(item, item.mine);
    if (!this.trail.includes(item.number)) this.remember(item.number);
    this.past.push(item.number);
    this.open(next);
    this.outbox.send();
    this.paint();
  }

  // After the fresh one the next fresh one; after one of the trail the one that followed it.
  after(number) {
    const line = this.line;
    const open = this.fresh.filter((one) => one !== number);
    return this.trail.includes(number) ? line[line.indexOf(number) + 1] : open[0];
  }

  get line() {
    return [...this.trail, ...this.fresh.filter((number) => !this.trail.includes(number))];
  }

  go(step) {
    const line = this.line;
    const at = this.item ? line.indexOf(this.item.number) : line.length;
    const next = line[at + step];
    if (next !== undefined && this.items.has(next)) this.open(next);
    else this.say(step < 0 ? "There is no item before." : "This is the newest item: save or skip it.");
  }

  // What was saved or skipped last; of a time before this visit the server knows which it is.
  undo() {
    const item = this.items.get(this.past.pop());
    if (!item && !this.data.can_undo) return this.say("There is nothing to take back.");
    if (item) this.takeBack(item);
    else this.say("Taking the last label back.");
    this.ask("undo");
  }

  // The server took back another one than is shown here, as one of another visit.
  undone(number) {
    const item = this.items.get(number);
    const moved = this.back.delete(number); // whoever was shown it may have gone on
    if (item && !moved && this.item !== item) this.show(item);
    this.say(`Item ${number} is taken back; it is as you had left it.`);
  }

  takeBack(item) {
    this.back.add(item.number);
    Object.assign(item, { done: null, answers: null });
    this.trail = this.trail.filter((number) => number !== item.number);
    this.hand = [item.number, ...this.hand.filter((number) => number !== item.number)];
    this.others.replaceChildren();
    this.show(item);
  }

  skip() {
    if (this.item) this.reasons.ask(this.item.number);
  }

  unskipped() {
    this.reasons.close();
    this.form?.focus();
  }

  skipped(reason) {
    const item = this.item;
    this.dirty = false;
    this.outbox.add({ op: "skip", number: item.number, reason });
    this.root.focus();
    this.finish(item, "skip");
  }

  // What became of a label, a skip, an undo.
  answered(op, answer) {
    if (answer.refused) return this.refused(op, answer);
    if (op.op === "save") {
      const item = this.items.get(op.number);
      if (item && answer.others) item.others = answer.others;
      if (answer.others) this.reveal(`Item ${op.number} is saved.`, answer.others, item?.order);
    }
    if (op.op === "undo" && answer.number == null) this.say("There is nothing to take back.");
    if (op.op === "undo" && answer.number != null) this.undone(answer.number);
    if (op.op === "draft" && this.item?.number === op.number) this.say("Draft kept.");
  }

  // It is not saved: told, with what was said, which is still there as a draft.
  refused(op, { refused }) {
    const item = this.items.get(op.number);
    if (item && op.op !== "draft") Object.assign(item, { done: null, answers: null });
    this.trail = this.trail.filter((number) => number !== op.number);
    if (op.op === "draft") return this.say(refused);
    this.notice(refused, ...(item && op.op === "save" ? [tool("", `Open item ${op.number}`, () => this.reopen(item))] : []));
  }

  reopen(item) {
    this.told.hidden = true;
    this.items.set(item.number, item);
    this.show(item);
  }

  notice(words, ...ways) {
    this.told.replaceChildren(element("span", "", words), ...ways, tool("", "Close", () => (this.told.hidden = true)));
    this.told.hidden = false;
  }

  renew() {
    clearTimeout(this.renewing);
    const every = 1000 * Math.max(1, Math.min(this.queue.lease_s / 3, 300));
    this.renewing = setTimeout(() => {
      if (this.clock.there && this.hand.length) this.ask("renew");
      else this.renew();
    }, every);
  }

  // Back at the page: what others had may be free by now.
  seen() {
    if (document.visibilityState === "hidden") return this.note();
    this.clock.touch();
    if (!this.item && this.data?.again_s) this.ask("take");
  }

  guidelines() {
    this.guide.toggle();
    this.paint();
  }

  fold() {
    this.shown?.unfold(this.shown.folded);
  }

  say(words) {
    this.state.textContent = words;
  }

  paint() {
    const { item, data } = this;
    this.queueName.textContent = data.name;
    this.queueName.href = queuePath(data.name);
    this.name.textContent = item ? `Item ${item.number}${{ save: ", saved", skip: ", skipped" }[item.done] ?? ""}` : "";
    this.course.textContent = data.course;
    this.failing.textContent = `${unsaved(this.outbox.unsaved)} ${data.failing} This page tries again by itself.`;
    this.failing.hidden = !data.failing;
    this.guiding.setAttribute("aria-expanded", String(!this.guide.root.hidden));
    this.folding.hidden = !this.shown?.every.some((passage) => passage.keep) && !this.shown?.folded;
    for (const button of [this.saving, this.skipping]) button.disabled = !item;
    if (item?.done === "save" && item.others) this.reveal(`Item ${item.number} is saved.`, item.others, item.order);
    else if (item?.said) this.reveal("Said of it so far:", item.said, item.order);
  }

  reveal(words, others, order) {
    this.others.replaceChildren(seen(words, others, this.queue.fields, order));
  }

  // As high as what is left of the window, so that both panes scroll and the buttons stay in sight.
  fit() {
    const main = this.root.getRootNode().host?.closest('[data-testid="stMain"]');
    const above = this.root.getBoundingClientRect().top + (main?.scrollTop ?? 0);
    this.root.style.height = `${Math.max(420, innerHeight - above - 12)}px`;
  }

  press(event) {
    if (event.defaultPrevented || event.isComposing) return;
    const inside = event.composedPath().includes(this.root);
    if (typing(event) && !inside) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.done(event, () => this.save());
    else if (typing(event)) this.typed(event);
    else this.key(event);
  }

  done(event, does) {
    event.preventDefault();
    does();
  }

  // While one writes, all keys but these write.
  typed(event) {
    const field = this.form?.active;
    if (event.key === "Escape") return this.done(event, () => field.root.focus());
    if (field instanceof Written && field.leaves(event)) this.done(event, () => this.form.move(event.key === "ArrowUp" ? -1 : 1));
  }

  key(event) {
    const pressed = event.composedPath()[0];
    if (pressed instanceof Element && pressed.matches("button, a, summary") && ["Enter", " "].includes(event.key)) return;
    const field = this.form?.active;
    const marking = field instanceof Spans && field.at !== undefined;
    if ((event.ctrlKey || event.metaKey || event.altKey) && !marking) return;
    if (field?.press(event)) return event.preventDefault();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const does = this.keys[event.key];
    if (does) this.done(event, does);
  }

  scroll(pages) {
    this.pane.scrollBy(0, pages * (this.pane.clientHeight - 60));
  }

  get keys() {
    const { form, shown } = this;
    return {
      ArrowUp: () => form?.move(-1), ArrowDown: () => form?.move(1), Enter: () => form?.focus(),
      ArrowLeft: () => this.go(-1), ArrowRight: () => this.go(1),
      n: () => form?.focus(form.all.length - 1), s: () => this.skip(), u: () => this.undo(), g: () => this.guidelines(),
      f: () => this.fold(), a: () => shown?.answer.scrollIntoView({ block: "start" }),
      PageUp: () => this.scroll(-1), PageDown: () => this.scroll(1), " ": () => this.scroll(1),
    };
  }
}

export default mounted(Desk);

function queuePath(name) {
  return `queues?${new URLSearchParams({ queue: name })}`;
}

function alike(one, other) {
  return JSON.stringify([one.answers, one.comment ?? null]) === JSON.stringify([other.answers, other.comment ?? null]);
}

function unsaved(count) {
  if (!count) return "What you fill in is kept in this browser.";
  return `${count === 1 ? "1 item is" : `${count} items are`} not saved yet, and kept in this browser.`;
}

function round(seconds) {
  return Math.round(seconds * 10) / 10;
}
