// What is shown of an item: what was asked, what was answered, documents, tool calls. All of it is untrusted text.

const SHORT = [500, 200]; // letters of the beginning and end of a text that stay in sight: documents, tool calls
const USUAL = [1200, 500]; // messages
const LONG = [3000, 1200]; // answers, which the labels are of
const MESSAGES = [1, 3]; // so many stay in sight of a long list, at its beginning and end
const DOCUMENTS = [5, 1];
const CALLS = [2, 3];
const UNTRACED = "Its trace shows what judges scored: the link comes with your label.";

class Shown {
  // `order`: keys of the sides as they are shown; `names`: whether those of their variants may be.
  constructor({ content, order, number }, { compares, names, marks }) {
    this.passages = new Map(); // `side part` -> passage, of those that marks are of
    this.every = [];
    this.marks = marks;
    this.root = element("div", "content");
    this.root.dataset.item = String(number);
    const sides = order.map((key) => content.sides.find((side) => side.key === key)).filter(Boolean);
    this.asked(content);
    this.answers(sides, compares, names);
    if (content.reference) this.section("Right answer", this.passage(content.reference, USUAL));
    this.documents(content.contexts ?? [], sides[0]?.key);
    if (!compares) for (const side of sides) this.steps(side.steps ?? [], this.root);
    const cut = content.cut?.join(", ");
    if (cut) this.root.append(element("p", "note", `Cut, as they are longer than what is kept: ${cut}.`));
  }

  get folded() {
    return this.every.some((passage) => !passage.whole) || this.root.querySelector(".more") !== null;
  }

  unfold(whole) {
    for (const passage of this.every) passage.unfold(whole);
    if (whole) for (const button of this.root.querySelectorAll(".more")) button.click();
  }

  passage(text, keep, side, part) {
    const marked = this.marks && part;
    const laid = marked ? null : laidOut(text);
    const made = new Passage(laid ?? text, keep, laid !== null);
    this.every.push(made);
    if (marked) {
      this.passages.set(`${side} ${part}`, made);
      made.root.classList.add("markable");
    }
    return made.root;
  }

  section(title, ...parts) {
    const made = element("section", "part");
    made.append(element("h3", "", title), ...parts);
    this.root.append(made);
    return made;
  }

  asked({ history, question }) {
    const told = history?.length ? history : question ? [{ role: "user", parts: [{ type: "text", content: question }] }] : [];
    const makers = told.map((message, place) => () => this.message(message, place < told.length - 1 ? SHORT : USUAL));
    if (told.length) this.section("Asked", ...this.few(makers, "message", MESSAGES));
  }

  // A long list: its beginning, its end, and a button for what is between.
  few(makers, noun, [first, last]) {
    if (makers.length <= first + last + 1) return makers.map((make) => make());
    const hidden = makers.slice(first, -last);
    const more = element("button", "more", `Show ${hidden.length.toLocaleString("en")} ${noun}s more`);
    more.type = "button";
    more.addEventListener("click", () => more.replaceWith(...hidden.map((make) => make())));
    return [...makers.slice(0, first).map((make) => make()), more, ...makers.slice(-last).map((make) => make())];
  }

  message({ role, name, finish_reason: finish, parts }, keep) {
    const made = element("div", "message");
    const told = [role ?? "unknown", name, finish && `finished: ${finish}`].filter(Boolean);
    made.append(element("div", "by", told.map(String).join(" · ")));
    for (const part of parts ?? []) made.append(...this.told(part, keep));
    return made;
  }

  told(part, keep = USUAL) {
    const made = [...this.kinds(part, keep)];
    if (part.cut) made.push(element("span", "badge", "Cut by the sender"));
    return made;
  }

  *kinds(part, keep) {
    const id = part.id ? `, id ${part.id}` : "";
    if (part.type === "text") yield this.passage(String(part.content ?? ""), keep);
    else if (part.type === "reasoning") yield this.behind("Reasoning", this.passage(String(part.content ?? ""), keep));
    else if (part.type === "tool_call") {
      yield element("div", "by", `calls tool ${part.name}${id}`);
      yield this.value(part.arguments);
    } else if (part.type === "tool_call_response") {
      yield element("div", "by", `tool result${id}`);
      yield this.value(part.response);
    } else if (["uri", "blob", "file"].includes(part.type)) yield media(part);
    else yield this.value(Object.fromEntries(Object.entries(part).filter(([name]) => name !== "type")));
  }

  value(item) {
    return this.passage(typeof item === "string" ? item : JSON.stringify(item ?? null, null, 2), SHORT);
  }

  behind(title, ...parts) {
    const made = element("details", "");
    made.append(element("summary", "", title), ...parts);
    return made;
  }

  answers(sides, compares, names) {
    const made = this.section(compares ? "Answers" : "Answer");
    const place = element("div", compares ? `sides of${sides.length}` : "sides");
    place.append(...sides.map((side, index) => this.side(side, index, compares, names)));
    made.append(place);
    this.answer = made;
  }

  side(side, index, compares, names) {
    const made = element("div", "answer");
    const head = element("div", "by");
    if (compares) head.append(element("kbd", "", String(index + 1)), ` Answer ${index + 1}`);
    if (names && side.name) head.append(compares ? ` · ${side.name}` : side.name);
    if (side.trace_id) head.append(names ? traceLink(side) : element("span", "note", UNTRACED));
    if (head.hasChildNodes()) made.append(head);
    const told = typeof side.answer === "string" && side.answer !== "";
    if (told) made.append(this.passage(side.answer, LONG, side.key, "answer"));
    const more = (side.messages ?? []).flatMap(({ parts }) => (parts ?? []).filter((part) => !told || part.type !== "text"));
    for (const part of more) made.append(...this.told(part));
    if (!told && !more.length) made.append(element("p", "note", "No answer was kept."));
    if (compares) this.steps(side.steps ?? [], made);
    return made;
  }

  documents(contexts, side) {
    if (!contexts.length) return;
    const cards = contexts.map((context, place) => () => {
      const { text, rank, score, id } = context;
      const told = [`${place + 1}`, rank != null && `rank ${rank}`, score != null && `score ${digits(score)}`, id];
      const card = element("div", "message");
      card.append(element("div", "by", told.filter(Boolean).join(" · ")), this.passage(text, SHORT, side, `contexts.${place}`));
      return card;
    });
    const drawn = this.marks ? cards.map((make) => make()) : this.few(cards, "document", DOCUMENTS);
    this.section(`Documents (${contexts.length})`, ...drawn);
  }

  steps(steps, where) {
    if (!steps.length) return;
    const cards = steps.map((step, place) => () => {
      const card = element("div", step.error ? "message failed" : "message");
      card.append(element("div", "by", `${place + 1} · ${step.name}`));
      if (step.arguments != null) card.append(this.value(step.arguments));
      if (step.error) card.append(element("div", "error", `failed: ${step.error}`));
      if (step.result != null) card.append(element("div", "by", "gave"), this.value(step.result));
      return card;
    });
    const made = element("section", "part");
    made.append(element("h3", "", `Tool calls (${steps.length})`), ...this.few(cards, "call", CALLS));
    where.append(made);
  }
}

// A placeholder: fetching what a span names would tell its author who reads it.
function media(part) {
  const made = element("div", "by", `${part.mime_type ?? part.modality ?? "attachment"}, not fetched: `);
  const letters = String(part.content ?? "").length.toLocaleString("en");
  made.append(element("code", "", String(part.uri ?? part.file_id ?? `${letters} letters of data`).slice(0, 500)));
  return made;
}

function traceLink(side) {
  const link = element("a", "trace", "Trace");
  link.href = `trace?${new URLSearchParams({ trace: side.trace_id, ...(side.span_id ? { span: side.span_id } : {}) })}`;
  Object.assign(link, { target: "_blank", rel: "noopener" });
  return link;
}

function digits(number) {
  return String(Number(number.toPrecision(3)));
}
