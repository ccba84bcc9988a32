// Guidelines and labelled examples beside the item, and answers in words.

class Guide {
  constructor() {
    this.root = element("aside", "guide");
    this.root.setAttribute("aria-label", "Guidelines");
    this.root.tabIndex = -1;
    this.root.hidden = true;
  }

  // Shown at first, and anew when the guidelines are others than those that were folded away.
  take(queue, name) {
    this.name = `assay-guidelines ${name}`;
    this.version = String(queue.guidelines_version);
    this.there = Boolean(queue.guidelines.trim() || queue.examples.length);
    const head = element("h2", "", "Guidelines");
    const written = element("div", "markdown");
    written.append(...drawn(markdown(queue.guidelines)));
    this.root.replaceChildren(head, written, ...queue.examples.map((example) => shownExample(example, queue.fields)));
    this.show(this.there && stored(this.name) !== this.version);
  }

  show(open) {
    this.root.hidden = !open;
  }

  toggle() {
    this.show(this.root.hidden && this.there);
    if (this.root.hidden) store(this.name, this.version);
  }
}

function shownExample(example, fields) {
  const made = element("details", "example");
  made.append(element("summary", "", example.title), new Passage(example.text, USUAL).root);
  for (const [name, answer] of Object.entries(example.answers ?? {})) {
    const asked = fields.find((field) => field.name === name);
    made.append(element("div", "said", `${asked ? question(asked) : name}: ${worded(asked, answer)}`));
  }
  if (example.why) made.append(element("div", "quiet", example.why));
  return made;
}

// An answer as a sentence may have it; `order`: keys of the sides as they are shown.
function worded(asked, answer, order = []) {
  if (answer === null || answer === undefined) return "no answer";
  const side = (key) => (key === "tie" ? "alike" : order.includes(key) ? `answer ${order.indexOf(key) + 1}` : String(key));
  const title = (value) => asked?.choices?.find((choice) => choice.value === value)?.title ?? String(value);
  if (asked?.kind === "preference") return side(answer);
  if (asked?.kind === "ranking") return answer.map((group) => group.map(side).join(" = ")).join(" > ");
  if (asked?.kind === "spans") return answer.length === 1 ? "1 mark" : `${answer.length} marks`;
  if (Array.isArray(answer)) return answer.map(title).join(", ");
  const told = typeof answer === "object" ? JSON.stringify(answer) : title(answer);
  return told.length > 120 ? `${Array.from(told).slice(0, 120).join("")} …` : told;
}

// A field's title as words before a colon.
function question(asked) {
  return (asked.title ?? asked.name).replace(/[?:.!]+$/, "");
}

// What others said of an item and judges scored; where labelling is blind, once one's own label is saved.
function seen(words, others, fields, order) {
  const made = element("div", "seen");
  made.append(element("span", "quiet", `${words} `));
  const labels = (others.labels ?? []).map(({ author, answers, comment }) => {
    const answered = fields.filter(({ name }) => name in (answers ?? {}));
    const said = answered.map((asked) => `${question(asked)}: ${worded(asked, answers[asked.name], order)}`);
    return [author, [...said, comment].filter(Boolean).join("; ")];
  });
  const scores = (others.scores ?? []).map(({ name, evaluator, label, value, error_type: failed }) => {
    const told = failed ? "failed" : (label ?? (typeof value === "number" ? digits(value) : "unknown"));
    return [evaluator && evaluator !== name ? `${evaluator}, ${name}` : name, String(told)];
  });
  const none = "Nobody else and no judge has said anything of it.";
  if (!labels.length && !scores.length) made.append(element("span", "quiet", none));
  for (const [who, said] of [...labels, ...scores]) {
    const one = element("span", "one");
    one.append(element("b", "", String(who ?? "unknown")), ` ${said}`);
    made.append(one);
  }
  return made;
}

function stored(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function store(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Switched off: it is shown again at the next visit.
  }
}
