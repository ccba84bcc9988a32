// The fields of the form, a class a kind. A field keeps its answer as the API takes it; null is none.

const COMPOSED_MS = 900; // between the two digits of a choice beyond the ninth

class Field {
  // `told.changed(done)` hears of every change; `done`: the field has what it asks for, and the next one may follow.
  constructor(asked, told) {
    Object.assign(this, { asked, told, answer: null });
    this.root = element("section", `field ${asked.kind}`);
    this.root.tabIndex = -1;
    this.root.setAttribute("role", "group");
    const title = element("div", "title", asked.title ?? asked.name);
    title.id = `field-${asked.name}`;
    if (asked.required === false) title.append(element("span", "quiet", " optional"));
    this.root.setAttribute("aria-labelledby", title.id);
    this.root.append(title);
    if (asked.help) this.root.append(element("div", "help", asked.help));
    this.body = element("div", "body");
    this.trouble = element("div", "trouble");
    this.trouble.setAttribute("role", "alert");
    this.root.append(this.body, this.trouble);
  }

  set(answer) {
    this.answer = answer ?? null;
    this.say("");
    this.paint();
  }

  change(answer, done = false) {
    this.answer = answer;
    this.say("");
    this.paint();
    this.told.changed(done);
  }

  paint() {}

  say(problem) {
    this.trouble.textContent = problem;
  }

  // What keeps the answer from being saved; "" nothing.
  problem() {
    return this.answer === null && this.asked.required !== false ? this.wanted : "";
  }

  get wanted() {
    return "This is still to be answered.";
  }

  focus() {
    (this.entry ?? this.root).focus({ preventScroll: true });
    this.root.scrollIntoView({ block: "nearest" });
  }

  press() {
    return false;
  }
}

// A row of buttons that digits press.
class Choosing extends Field {
  constructor(asked, told, options) {
    super(asked, told);
    this.options = options;
    this.body.classList.add("options");
    this.buttons = options.map(({ title, help }, place) => {
      const button = element("button", "option");
      button.type = "button";
      button.append(element("kbd", "", String(place + 1)), element("span", "", title));
      if (help) button.append(element("span", "help", help));
      button.addEventListener("click", () => this.choose(place));
      return button;
    });
    this.body.append(...this.buttons);
  }

  chosen(place) {
    return this.answer === this.options[place].value;
  }

  paint() {
    this.buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(this.chosen(place))));
  }

  choose(place) {
    this.change(this.options[place].value, this.options.length < 10);
  }

  press(event) {
    const place = this.place(event);
    if (place === null) return false;
    this.choose(place);
    return true;
  }

  // Which option a digit names; with ten or more a digit that follows at once makes a number of both.
  place({ key, timeStamp }) {
    if (!/^\d$/.test(key)) return null;
    const joined = timeStamp - this.typed?.at < COMPOSED_MS ? Number(`${this.typed.number}${key}`) : NaN;
    const number = this.options.length > 9 && joined <= this.options.length ? joined : Number(key);
    this.typed = { number, at: timeStamp };
    if (number === joined) this.recompose();
    return number >= 1 && number <= this.options.length ? number - 1 : null;
  }

  recompose() {}
}

class Choice extends Choosing {
  constructor(asked, told) {
    super(asked, told, asked.choices.map(({ value, title, help }) => ({ value, title: title ?? value, help })));
  }
}

class Choices extends Choice {
  constructor(asked, told) {
    super(asked, told);
    this.none = tool("0", "None of them", () => this.change([]));
    this.body.append(this.none);
  }

  chosen(place) {
    return (this.answer ?? []).includes(this.options[place].value);
  }

  choose(place) {
    const before = new Set(this.answer);
    const { value } = this.options[place];
    if (!before.delete(value)) before.add(value);
    this.last = place;
    const kept = this.options.map((option) => option.value).filter((one) => before.has(one));
    this.change(kept.length ? kept : null);
  }

  // 0 says that none fits, which is an answer; after another digit it is one of a number.
  press(event) {
    if (super.press(event)) return true;
    if (event.key !== "0") return false;
    this.change(this.answer?.length === 0 ? null : []);
    return true;
  }

  // The first digit of two chose something already.
  recompose() {
    if (this.last !== undefined) this.choose(this.last);
  }

  paint() {
    super.paint();
    this.none?.setAttribute("aria-pressed", String(this.answer?.length === 0));
  }

  get wanted() {
    return "Choose one or several, or 0: none of them.";
  }
}

class Preference extends Choosing {
  constructor(asked, told, order) {
    const options = order.slice(0, 2).map((value, place) => ({ value, title: `Answer ${place + 1}` }));
    if (asked.ties !== false) options.push({ value: "tie", title: "Alike" });
    super(asked, told, options);
  }
}

// Sides from best to worst: a press on each in turn; `=` puts the next beside the one before.
class Ranking extends Field {
  constructor(asked, told, order) {
    super(asked, told);
    this.order = order;
    this.groups = [];
    this.body.classList.add("options");
    this.buttons = order.map((_, place) => {
      const button = element("button", "option");
      button.type = "button";
      this.body.append(button);
      button.addEventListener("click", () => this.put(place));
      return button;
    });
    this.tie = tool("=", "Alike with the one before", () => this.beside());
    const again = tool("⌫", "Begin anew", () => this.clear());
    this.line = element("div", "told");
    const tools = element("div", "told");
    tools.append(...(asked.ties === false ? [] : [this.tie]), again);
    this.body.append(this.line, tools);
    this.paint();
  }

  set(answer) {
    this.groups = (answer ?? []).map((group) => [...group]);
    this.joining = false;
    super.set(answer);
  }

  put(place) {
    const side = this.order[place];
    if (this.groups.flat().length === this.order.length) this.groups = [];
    if (this.groups.flat().includes(side)) return;
    if (this.joining && this.groups.length) this.groups.at(-1).push(side);
    else this.groups.push([side]);
    this.joining = false;
    const left = this.order.filter((one) => !this.groups.flat().includes(one));
    if (left.length === 1 && this.asked.ties === false) this.groups.push(left);
    const whole = this.groups.flat().length === this.order.length;
    this.change(whole ? this.groups.map((group) => [...group]) : null, whole);
  }

  beside() {
    this.joining = this.asked.ties !== false && this.groups.length > 0;
    this.paint();
  }

  clear() {
    this.groups = [];
    this.joining = false;
    this.change(null);
  }

  paint() {
    if (!this.buttons) return;
    this.buttons.forEach((button, place) => {
      const rank = this.groups.findIndex((group) => group.includes(this.order[place]));
      button.replaceChildren(element("kbd", "", String(place + 1)), element("span", "", `Answer ${place + 1}`));
      if (rank >= 0) button.append(element("span", "rank", ordinal(rank + 1)));
      button.setAttribute("aria-pressed", String(rank >= 0));
    });
    this.tie.setAttribute("aria-pressed", String(Boolean(this.joining)));
    const named = this.groups.map((group) => group.map((side) => this.order.indexOf(side) + 1).join(" = "));
    this.line.textContent = named.length ? `Best to worst: ${named.join(" > ")}` : "Press the answers from best to worst.";
  }

  get wanted() {
    return "Rank every answer.";
  }

  press({ key }) {
    if (/^[1-9]$/.test(key) && Number(key) <= this.order.length) this.put(Number(key) - 1);
    else if (key === "=") this.beside();
    else if (key === "Backspace") this.clear();
    else return false;
    return true;
  }
}

class Written extends Field {
  constructor(asked, told, tag) {
    super(asked, told);
    this.entry = element(tag, "entry");
    this.entry.setAttribute("aria-labelledby", `field-${asked.name}`);
    this.entry.dir = "auto";
    this.entry.addEventListener("input", () => this.typed());
    this.body.append(this.entry);
  }

  typed() {
    this.answer = this.read(this.entry.value);
    this.say("");
    this.paint();
    this.told.changed(false);
  }

  read(text) {
    return text.trim() ? text : null;
  }

  set(answer) {
    this.entry.value = answer ?? "";
    super.set(answer);
    this.grow();
  }

  paint() {
    this.grow();
  }

  // Whether an arrow leads out of it: from its first place up, from its last one down.
  leaves({ key, shiftKey }) {
    const { selectionStart: start, selectionEnd: end, value } = this.entry;
    if (shiftKey || start !== end) return false;
    return (key === "ArrowUp" && start === 0) || (key === "ArrowDown" && end === value.length);
  }

  // As high as its text; only what is on the page has a height.
  grow() {
    if (this.entry.tagName !== "TEXTAREA" || !this.entry.scrollHeight) return;
    this.entry.style.height = "auto";
    this.entry.style.height = `${Math.min(420, this.entry.scrollHeight + 2)}px`;
  }
}

class Numeric extends Written {
  constructor(asked, told) {
    super(asked, told, "input");
    this.entry.inputMode = "decimal";
    this.entry.autocomplete = "off";
    const bounds = [asked.low != null && `from ${asked.low}`, asked.high != null && `to ${asked.high}`].filter(Boolean).join(" ");
    if (bounds) this.body.append(element("span", "quiet", bounds));
  }

  leaves({ key }) {
    return key === "ArrowUp" || key === "ArrowDown";
  }

  // A comma is a decimal point in half of the world.
  read(text) {
    return text.trim() ? Number(text.trim().replace(",", ".")) : null;
  }

  problem() {
    const { low, high } = this.asked;
    if (this.answer === null) return super.problem();
    if (!Number.isFinite(this.answer)) return `${this.entry.value} is not a number.`;
    if (low != null && this.answer < low) return `${this.answer} is below ${low}, the least.`;
    return high != null && this.answer > high ? `${this.answer} is above ${high}, the most.` : "";
  }

  get wanted() {
    return "Enter a number.";
  }
}

class Text extends Written {
  constructor(asked, told) {
    super(asked, told, "textarea");
    this.entry.rows = 2;
  }

  get wanted() {
    return "Write something.";
  }
}

// The answer as it should have been: begins as it is, and shows what is changed.
class Correction extends Written {
  constructor(asked, told, before) {
    super(asked, told, "textarea");
    this.before = before;
    this.entry.rows = 4;
    this.shown = element("div", "difference");
    this.shown.dir = "auto";
    this.body.append(this.shown);
  }

  set(answer) {
    super.set(answer ?? this.before);
    this.answer = answer ?? (this.before.trim() ? this.before : null);
  }

  paint() {
    super.paint();
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.compare());
  }

  compare() {
    const after = this.entry.value;
    if (after === this.before) {
      this.shown.replaceChildren(element("span", "quiet", "No change: the answer is kept as it is."));
      return;
    }
    const tags = { same: "span", gone: "del", new: "ins" };
    this.shown.replaceChildren(...difference(this.before, after).map(({ kind, text }) => element(tags[kind], "", text)));
  }

  get wanted() {
    return "Write the answer as it should be.";
  }
}

function ordinal(rank) {
  return `${rank}${["th", "st", "nd", "rd"][rank % 10 > 3 || Math.trunc(rank / 10) === 1 ? 0 : rank % 10]}`;
}
