// The form: a field for each that the queue asks, and a comment; one of them is active and has the keys.

class Form {
  // `told`: changed(), hint(words).
  constructor(queue, item, shown, told) {
    this.root = element("div", "form");
    this.told = told;
    this.fields = queue.fields.map((asked) => this.made(asked, item, shown));
    this.comment = new Text({ name: "-comment", kind: "text", title: "Comment", required: false }, this.heard());
    this.all = [...this.fields, this.comment];
    this.root.append(...this.all.map((field) => field.root));
    this.root.addEventListener("focusin", (event) => this.mark(this.all.findIndex((field) => field.root.contains(event.target))));
    this.at = 0;
    this.mark(0);
  }

  made(asked, item, shown) {
    const [heard, order] = [this.heard(), item.order];
    if (asked.kind === "categorical" && asked.several) return new Choices(asked, heard);
    if (["binary", "categorical", "ordinal"].includes(asked.kind)) return new Choice(asked, heard);
    if (asked.kind === "preference") return new Preference(asked, heard, order);
    if (asked.kind === "ranking") return new Ranking(asked, heard, order);
    if (asked.kind === "numeric") return new Numeric(asked, heard);
    if (asked.kind === "correction") return new Correction(asked, heard, item.content.sides[0]?.answer ?? "");
    if (asked.kind === "spans") return new Spans(asked, heard, () => shown.passages);
    return new Text(asked, heard);
  }

  heard() {
    return {
      changed: (done) => {
        this.told.changed();
        if (done) this.advance();
      },
      hint: (words) => this.told.hint(words),
      active: (field) => this.active === field || this.fields.filter(({ asked }) => asked.kind === "spans").length === 1,
      activate: (field) => field.root.focus({ preventScroll: true }),
    };
  }

  get active() {
    return this.all[this.at];
  }

  mark(at) {
    if (at < 0) return;
    if (this.active instanceof Spans && at !== this.at) this.active.leave();
    this.at = at;
    this.all.forEach((field, place) => field.root.classList.toggle("active", place === at));
  }

  // Fields that are written in are entered; Escape leads out of them.
  focus(at = this.at) {
    this.mark(at);
    this.active.focus();
  }

  // To the next field that is to be answered. Not into what may be left out: there the keys would write.
  advance() {
    const asks = (field) => field.asked.required !== false || !(field instanceof Written);
    const next = this.all.findIndex((field, at) => at > this.at && asks(field));
    if (next >= 0) this.focus(next);
  }

  move(step) {
    this.focus(Math.max(0, Math.min(this.all.length - 1, this.at + step)));
  }

  set({ answers, comment }) {
    for (const field of this.fields) field.set(answers?.[field.asked.name]);
    this.comment.set(comment);
    for (const field of this.fields) if (field instanceof Spans) field.bind();
  }

  grow() {
    for (const field of this.all) if (field instanceof Written) field.grow();
  }

  // Marks are told also where there are none: that is an answer, too.
  get said() {
    const told = this.fields.map(({ asked, answer }) => [asked.name, answer ?? (asked.kind === "spans" ? [] : null)]);
    return { answers: Object.fromEntries(told.filter(([, answer]) => answer !== null)), comment: this.comment.answer };
  }

  // Whether all that is asked is answered; leads to what is not.
  fits() {
    const problems = this.fields.map((field) => field.problem());
    this.fields.forEach((field, place) => field.say(problems[place]));
    const first = problems.findIndex(Boolean);
    if (first >= 0) this.focus(first);
    return first < 0;
  }
}
