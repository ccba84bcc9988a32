// Marks in the texts of an item, by mouse and by keyboard. The answer is a list of {side, part, start, end, label}.

class Spans extends Choice {
  // `passages()`: `side part` -> passage, of the item that is shown.
  constructor(asked, told, passages) {
    super(asked, told);
    this.passages = passages;
    this.pen = 0;
    this.body.append(this.tools());
    this.list = element("ul", "marks");
    this.body.append(this.list);
  }

  tools() {
    const made = element("div", "told");
    const select = tool("Enter", "Mark by keyboard", () => this.enter());
    const mark = tool("", "Mark what is selected", () => this.take());
    mark.addEventListener("pointerdown", (event) => event.preventDefault()); // a press would drop the selection
    made.append(select, mark);
    return made;
  }

  // The texts of an item that has just been drawn.
  bind() {
    this.leave();
    this.current = null;
    for (const passage of this.passages().values()) {
      passage.chosen = (at) => this.point(at);
      passage.root.addEventListener("pointerup", ({ pointerType }) => this.released(pointerType));
    }
    this.paint();
  }

  // A finger's selection is made by its handles, and then marked by the button.
  released(pointer) {
    if (pointer === "mouse" && this.told.active(this)) this.take();
  }

  get marks() {
    return this.answer ?? [];
  }

  chosen(place) {
    return place === this.pen;
  }

  // Which kind the next mark is of; of a mark that is pointed at, which kind it is.
  choose(place) {
    this.pen = place;
    if (this.marks[this.current]) {
      const label = this.options[place].value;
      this.change(this.marks.map((mark, at) => (at === this.current ? { ...mark, label } : mark)));
    } else this.paint();
  }

  point(at) {
    this.current = at;
    this.pen = this.options.findIndex(({ value }) => value === this.marks[at]?.label);
    this.paint();
    this.told.activate(this);
  }

  take() {
    for (const [name, passage] of this.passages()) {
      const found = passage.selected();
      if (found) this.add(name, passage, found);
    }
    document.getSelection().removeAllRanges();
  }

  add(name, passage, [from, to]) {
    const [side, part] = name.split(" ");
    const [start, end] = [points(passage.text, from), points(passage.text, to)];
    const label = this.options[Math.max(0, this.pen)].value;
    const same = (mark) => mark.side === side && mark.part === part && mark.start === start && mark.end === end;
    const known = this.marks.findIndex((mark) => same(mark) && mark.label === label);
    this.current = known < 0 ? this.marks.length : known;
    this.change(known < 0 ? [...this.marks, { side, part, start, end, label }] : this.marks);
  }

  remove(at) {
    const kept = this.marks.filter((_, place) => place !== at);
    this.current = null;
    this.change(kept.length ? kept : null);
  }

  problem() {
    return ""; // a text in which nothing is to be marked is answered by no marks
  }

  paint() {
    super.paint();
    if (!this.list) return;
    const shown = this.passages();
    for (const [name, passage] of shown) passage.mark(this.drawn(name, passage), this.current);
    this.list.replaceChildren(...this.marks.map((mark, at) => this.line(mark, at, shown)));
  }

  ink(mark) {
    return Math.max(0, this.options.findIndex(({ value }) => value === mark.label));
  }

  drawn(name, passage) {
    return this.marks.flatMap((mark, at) => {
      if (`${mark.side} ${mark.part}` !== name) return [];
      const ink = this.ink(mark);
      return [{ start: units(passage.text, mark.start), end: units(passage.text, mark.end), ink, tag: String(ink + 1), at }];
    });
  }

  line(mark, at, shown) {
    const text = shown.get(`${mark.side} ${mark.part}`)?.text ?? "";
    const ink = this.ink(mark);
    const line = element("li", at === this.current ? "current" : "");
    const point = element("button", "excerpt");
    point.append(tagged({ tag: String(ink + 1), ink }), excerpt(text.slice(units(text, mark.start), units(text, mark.end))));
    point.title = this.options[ink].title;
    const drop = element("button", "small", "Remove");
    point.addEventListener("click", () => this.point(at));
    drop.addEventListener("click", () => this.remove(at));
    line.append(point, drop);
    return line;
  }

  // By keyboard: Enter leads into the texts, arrows move, Shift selects, Enter marks, Tab is the next text, Escape leaves.
  enter() {
    const passages = [...this.passages().values()];
    if (!passages.length) return;
    this.at = 0;
    passages[0].put(passages[0].caret ?? [0, 0]);
    this.root.focus({ preventScroll: true });
    this.told.hint("Arrows move, with Ctrl by words, ↑ ↓ by sentences; Shift selects; Enter marks; Tab next text; Esc ends.");
  }

  leave() {
    if (this.at === undefined) return;
    for (const passage of this.passages().values()) passage.drop();
    this.at = undefined;
    this.told.hint("");
  }

  press(event) {
    if (this.at !== undefined && this.inside(event)) return true;
    if (event.key === "Enter") this.enter();
    else if (["Backspace", "Delete"].includes(event.key) && this.marks[this.current]) this.remove(this.current);
    else if (["[", "]"].includes(event.key) && this.marks.length) this.walk(event.key === "]" ? 1 : -1);
    else return super.press(event);
    return true;
  }

  inside(event) {
    const all = [...this.passages()];
    const [name, passage] = all[this.at];
    if (passage.press(event)) return true;
    if (event.key === "Enter") {
      const [start, end] = [Math.min(...passage.caret), Math.max(...passage.caret)];
      if (end > start) {
        passage.caret = [passage.caret[1], passage.caret[1]];
        this.add(name, passage, [start, end]);
      }
    } else if (event.key === "Tab") {
      passage.drop();
      this.at = (this.at + (event.shiftKey ? all.length - 1 : 1)) % all.length;
      all[this.at][1].put([0, 0]);
    } else if (event.key === "Escape") this.leave();
    else return false;
    return true;
  }

  walk(step) {
    const from = this.current ?? (step > 0 ? -1 : this.marks.length);
    this.point((from + step + this.marks.length) % this.marks.length);
  }
}

function tool(key, words, does) {
  const made = element("button", "small", words);
  made.type = "button";
  if (key) made.prepend(element("kbd", "", key));
  made.addEventListener("click", does);
  return made;
}

function excerpt(text) {
  const letters = Array.from(text);
  const short = letters.length > 60 ? `${letters.slice(0, 40).join("")} … ${letters.slice(-16).join("")}` : text;
  return element("bdi", "", short);
}
