// One line that asks for traces. Enter hands it over; what is typed is told a moment later, and the server answers with
// what it may go on with. An error is marked under its characters. All text of others is shown as text.

const PAUSE_MS = 120; // after the last key, before the server is asked

class QueryLine {
  constructor(parent) {
    this.root = element("div", "queryline");
    this.input = element("input", "line");
    Object.assign(this.input, { type: "text", spellcheck: false, autocomplete: "off", autocapitalize: "off", maxLength: 4000 });
    for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false" })) {
      this.input.setAttribute(name, value);
    }
    this.mark = element("div", "mark");
    this.list = element("div", "offers");
    this.list.setAttribute("role", "listbox");
    this.list.id = "offers";
    this.input.setAttribute("aria-controls", "offers");
    this.fault = element("div", "fault");
    this.fault.setAttribute("role", "alert");
    const field = element("div", "field");
    field.append(this.input, this.mark, this.list);
    this.root.append(field, this.fault);
    parent.append(this.root);
    this.offers = [];
    this.at = -1;
    this.ending = new AbortController();
    const { signal } = this.ending;
    this.input.addEventListener("input", () => {
      this.writing = true;
      this.typed();
    });
    this.input.addEventListener("keydown", (event) => this.press(event));
    this.input.addEventListener("focus", () => {
      this.writing = false;
      this.typed();
    });
    this.input.addEventListener("blur", () => this.hide());
    this.input.addEventListener("scroll", () => this.place());
    document.addEventListener("keydown", (event) => this.jump(event), { signal });
  }

  close() {
    clearTimeout(this.timer);
    this.ending.abort();
    this.root.remove();
  }

  take({ data, setTriggerValue }) {
    this.tell = setTriggerValue;
    this.input.placeholder = data.placeholder;
    this.input.setAttribute("aria-label", data.placeholder);
    if (data.line !== this.line) this.adopt(data.line);
    this.wrong = data.fault;
    this.point();
    const focused = this.root.getRootNode().activeElement === this.input;
    if (focused && data.offered && data.offered.of === this.input.value && !this.closed) this.show(data.offered);
  }

  adopt(line) {
    this.line = line;
    this.input.value = line;
    this.hide();
  }

  // From anywhere on the page, where nobody types.
  jump(event) {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event)) return;
    event.preventDefault();
    this.input.focus();
    this.input.select();
  }

  typed() {
    this.closed = false;
    this.point();
    clearTimeout(this.timer);
    const { value, selectionStart } = this.input;
    if (this.offers.length && this.of !== value) this.hide();
    this.timer = setTimeout(() => this.tell("typed", { text: value, at: points(value.slice(0, selectionStart)) }), PAUSE_MS);
  }

  press(event) {
    const open = this.offers.length > 0;
    if (event.key === "Enter" && !(open && this.at >= 0)) this.submit();
    else if (["Enter", "Tab"].includes(event.key) && open && !event.shiftKey && (this.writing || this.at >= 0)) this.accept(Math.max(0, this.at));
    else if (event.key === "Escape" && open) this.hide(true);
    else if (event.key === "Escape") this.input.blur();
    else if (["ArrowDown", "ArrowUp"].includes(event.key) && open) this.move(event.key === "ArrowDown" ? 1 : -1);
    else return;
    event.stopPropagation();
    event.preventDefault();
  }

  submit() {
    clearTimeout(this.timer);
    this.hide(true);
    this.line = this.input.value;
    this.tell("submitted", this.input.value);
  }

  move(step) {
    const count = this.offers.length;
    this.at = this.at < 0 && step < 0 ? count - 1 : (this.at + step + count) % count;
    this.paint();
  }

  accept(index) {
    const letters = [...this.of];
    const before = letters.slice(0, this.start).join("") + this.offers[index].text;
    const after = letters.slice(this.end).join("");
    const gap = /[:.]$/.test(before) || after.startsWith(" ") ? "" : " ";
    this.input.value = before + gap + after;
    this.input.setSelectionRange((before + gap).length, (before + gap).length);
    this.hide();
    this.typed();
  }

  show({ of, start, end, offers }) {
    Object.assign(this, { of, start, end, offers, at: -1 });
    this.list.replaceChildren(...offers.map((offer, index) => this.offer(offer, index)));
    this.list.style.left = `${Math.min(start, 60)}ch`;
    this.paint();
  }

  offer({ label, help, count }, index) {
    const line = element("div", "offer");
    line.setAttribute("role", "option");
    line.id = `offer-${index}`;
    line.append(element("span", "label", label), element("span", "help", count === null ? help : count.toLocaleString("en")));
    line.addEventListener("mousedown", (event) => {
      event.preventDefault(); // the line keeps the focus
      this.accept(index);
    });
    return line;
  }

  paint() {
    this.list.hidden = this.offers.length === 0;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    [...this.list.children].forEach((line, index) => {
      line.setAttribute("aria-selected", String(index === this.at));
      if (index === this.at) line.scrollIntoView({ block: "nearest" });
    });
    if (this.at >= 0) this.input.setAttribute("aria-activedescendant", `offer-${this.at}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  // `closed`: until something is typed, also when an answer still comes.
  hide(closed = false) {
    this.closed = closed;
    this.offers = [];
    this.at = -1;
    this.list.replaceChildren();
    this.paint();
  }

  // The fault is of the line that was handed over; once that is changed, it says nothing.
  point() {
    const wrong = this.wrong && this.input.value === this.line ? this.wrong : null;
    this.fault.textContent = wrong?.detail ?? "";
    this.fault.hidden = this.mark.hidden = !wrong;
    this.input.setAttribute("aria-invalid", String(Boolean(wrong)));
    if (wrong) this.place();
  }

  place() {
    if (this.mark.hidden) return;
    this.mark.style.left = `calc(${this.wrong.at}ch + 11px - ${this.input.scrollLeft}px)`;
    this.mark.style.width = `${Math.max(1, this.wrong.length)}ch`;
  }
}

// The server counts characters, the browser halves of those beyond the first plane.
function points(text) {
  return [...text].length;
}

export default mounted(QueryLine);
