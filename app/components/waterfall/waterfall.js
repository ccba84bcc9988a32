// Tree and waterfall of one trace. Of a hundred thousand spans only those in view are fetched, and exist as elements:
// what is not known yet is drawn as an empty line, and the part `rows` of the page is told what is wanted.

const ROW = 26;
const SPARE = 12; // rows drawn beyond each edge of the view
const MOST_CHUNKS = 400; // kept; the oldest are fetched anew
const FAILED = "Rows did not come, the trace may have changed. Reload the page.";
const KINDS = {
  llm: "llm", embedding: "embed", tool: "tool", agent: "agent", workflow: "flow", retriever: "retr",
  reranker: "rerank", guardrail: "guard", evaluator: "eval", memory: "memory", mcp: "mcp", other: "other",
};

class Waterfall {
  constructor(parent) {
    this.root = element("div", "waterfall");
    this.bar = element("div", "tools");
    this.top = element("div", "head");
    this.scroller = element("div", "scroller");
    this.scroller.tabIndex = 0;
    this.scroller.setAttribute("role", "tree");
    this.scroller.setAttribute("aria-label", "Spans of the trace. j and k move, left and right fold, Enter opens, slash searches, e goes to the next failure.");
    this.canvas = element("div", "canvas");
    this.scroller.append(this.canvas);
    this.root.append(this.bar, this.top, this.scroller);
    parent.append(this.root);
    this.folds = new Folds();
    this.chunks = new Map();
    this.marks = {};
    this.choices = { path: true, moved: true };
    this.tools();
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.scroller.addEventListener("keydown", (event) => this.press(event));
    this.canvas.addEventListener("click", (event) => this.click(event));
    this.resize = new ResizeObserver(() => this.draw());
    this.resize.observe(this.scroller);
  }

  close() {
    clearTimeout(this.resting);
    if (this.board?.waterfall === this) delete this.board.waterfall;
    this.resize.disconnect();
    this.root.remove();
  }

  take({ data, setStateValue }) {
    this.emit = (id) => {
      address(id);
      setStateValue("selected", id);
    };
    this.read(data);
  }

  // A line of JSON about the trace, then the rows that were asked for.
  read(bytes) {
    const end = bytes.indexOf(10);
    this.load(JSON.parse(text(bytes.subarray(0, end))), JSON.parse(text(bytes.subarray(end + 1))));
  }

  load(head, rows) {
    const fresh = head.trace !== this.head?.trace;
    const asked = fresh || head.asked !== this.head.asked;
    if (fresh || head.version !== this.head.version) this.forget(fresh);
    this.head = head;
    this.keep(head, rows);
    this.board = board(head.trace);
    this.board.waterfall = this;
    this.marked();
    if (fresh) this.choices = { path: head.path, moved: true };
    if (asked || !(this.selected < head.total)) this.selected = head.selected;
    this.scroller.style.height = `${Math.min(head.height, Math.max(3, head.total) * ROW + 4)}px`;
    this.drawTools();
    this.drawHead();
    this.stretch();
    if (asked) this.open(this.selected);
    if (asked && !fresh) this.addressed();
    if (fresh) this.focus();
  }

  // Rows are counted by the state of the trace that they were read from.
  forget(fresh) {
    this.chunks.clear();
    this.marks = {};
    this.matches = undefined;
    this.refused = false;
    this.folds = new Folds();
    if (!fresh) this.selected = undefined;
  }

  keep(head, rows) {
    for (const number of head.chunks) {
      this.chunks.delete(number);
      this.chunks.set(number, rows.filter((row) => Math.floor(row.row / this.head.chunk) === number));
    }
    while (this.chunks.size > MOST_CHUNKS) this.chunks.delete(this.chunks.keys().next().value);
  }

  // What the part `rows` brought.
  receive(head, rows) {
    if (head.version !== this.head?.version) return;
    this.marked();
    this.keep(head, rows);
    if (head.failed) return this.refuse();
    if (this.status.textContent === FAILED) this.status.textContent = "";
    if (head.found && head.text === this.sought) this.found(head.found);
    this.draw();
    this.settle();
  }

  // What failed once fails again: nothing more is asked for until somebody moves, or the page has another state.
  refuse() {
    this.refused = true;
    if (this.asking) this.sought = undefined; // Enter asks anew
    this.asking = false;
    this.status.textContent = FAILED;
    this.draw();
  }

  // Words on rows may have come before there was a waterfall to draw them.
  marked() {
    const { marks } = this.board;
    if (marks?.version === this.head.version) this.marks = marks.words;
  }

  at(row) {
    return this.chunks.get(Math.floor(row / this.head.chunk))?.[row % this.head.chunk];
  }

  get count() {
    return this.head.total - this.folds.hidden;
  }

  // What the view lacks; null: nothing.
  wants() {
    if (!this.head || this.refused) return null;
    const [first, last] = this.range();
    const needed = new Set();
    for (let place = first; place < last; place++) {
      const row = this.folds.row(place);
      if (!this.at(row)) needed.add(Math.floor(row / this.head.chunk));
    }
    if (this.selected !== undefined && !this.at(this.selected)) needed.add(Math.floor(this.selected / this.head.chunk));
    const text = this.asking ? this.sought : "";
    if (!needed.size && !text) return null;
    return { chunks: [...needed].slice(0, 8), text, path: this.choices.path };
  }

  range() {
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW) - SPARE);
    const seen = Math.ceil((this.scroller.scrollTop + this.scroller.clientHeight) / ROW) + SPARE;
    return [Math.min(first, this.count), Math.min(this.count, seen)];
  }

  scrolled() {
    this.draw();
    this.settle();
  }

  // Rows are asked for when the view rests for a moment: who flies past needs none.
  settle() {
    this.refused = false;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.board?.rows?.next(), 60);
  }

  // Unfolds what hides a row, and shows it.
  open(row) {
    this.folds.reveal(row);
    this.stretch();
    const top = this.folds.place(row) * ROW;
    this.scroller.scrollTop = top - (this.scroller.clientHeight - ROW) / 2; // in the middle, among its neighbours
    this.draw();
    this.settle();
  }

  // For other parts of the page: selects a row, as if it was clicked.
  select(row) {
    this.open(row);
    this.highlight(row);
  }

  // The keys work at once, unless somebody is at work elsewhere on the page.
  focus() {
    const active = document.activeElement;
    if (!active || active.contains(this.root.getRootNode().host ?? this.root)) this.scroller.focus({ preventScroll: true });
  }

  stretch() {
    this.canvas.style.height = `${this.count * ROW}px`;
    this.draw();
  }

  tools() {
    this.search = element("input", "search");
    this.search.placeholder = "Find in the trace: names, errors, input, output";
    this.search.maxLength = 1000; // what is sought of a longer text is another text
    this.search.setAttribute("aria-label", "Find in the trace");
    this.search.addEventListener("keydown", (event) => this.seek(event));
    this.status = element("span", "status");
    this.status.setAttribute("role", "status");
    this.path = this.choice("Critical path", "path", "Marks the spans that the trace's end had to wait for");
    this.moved = this.choice("Shift clocks", "moved", "Draws spans of clocks that disagree where they can have been; off: as sent");
    this.bar.append(this.search, this.status, this.path, this.moved);
  }

  choice(label, name, title) {
    const made = element("button", "toggle", label);
    made.title = title;
    made.addEventListener("click", () => {
      this.choices[name] = !this.choices[name];
      if (name === "path" && this.choices.path && !this.head.path) this.chunks.clear(); // known only from now on
      this.drawTools();
      this.drawHead();
      this.draw();
      this.settle();
    });
    return made;
  }

  drawTools() {
    this.path.setAttribute("aria-pressed", String(this.choices.path));
    this.moved.setAttribute("aria-pressed", String(this.choices.moved));
    this.moved.hidden = !this.head.moved;
  }

  // Enter looks, and then walks from match to match; with Shift backward. Escape leaves.
  seek(event) {
    event.stopPropagation();
    if (event.key === "Escape") this.scroller.focus();
    if (event.key !== "Enter") return;
    const sought = this.search.value.trim();
    if (!sought) {
      this.matches = this.sought = undefined;
      this.status.textContent = "";
      this.draw();
    } else if (sought === this.sought && this.matches) this.walk(event.shiftKey ? -1 : 1);
    else {
      this.sought = sought;
      this.matches = undefined;
      this.asking = true;
      this.refused = false;
      this.status.textContent = "looking…";
      this.board?.rows?.next();
    }
  }

  found({ rows, cut }) {
    this.asking = false;
    this.matches = rows;
    this.cut = cut;
    this.matched = new Set(rows);
    this.match = -1;
    if (rows.length) this.walk(1);
    else this.status.textContent = "nothing found";
  }

  walk(step) {
    const count = this.matches.length;
    if (!count) return;
    this.match = (this.match + step + count) % count;
    this.status.textContent = `${this.match + 1} of ${count.toLocaleString("en")}${this.cut ? " and more" : ""}`;
    this.select(this.matches[this.match]);
  }

  drawHead() {
    const name = element("span", "name", "Span");
    name.append(element("span", "keys", "j k move, ← → fold, Enter opens, / finds, e next failure"));
    this.top.replaceChildren(name, element("span", "time", "Duration"));
    const axis = element("span", "axis");
    for (const tick of this.shifting ? this.head.moved : this.head.ticks) {
      const mark = element("span", "tick", tick.label);
      mark.style.left = `${tick.at * 100}%`;
      axis.append(mark);
    }
    this.top.append(axis);
  }

  get shifting() {
    return this.choices.moved && Boolean(this.head.moved);
  }

  draw() {
    if (!this.head) return;
    const current = this.at(this.selected);
    this.scroller.setAttribute("aria-activedescendant", `span-${current?.id ?? this.selected}`);
    const [first, last] = this.range();
    const drawn = [];
    for (let place = first; place < last; place++) {
      const row = this.folds.row(place);
      const known = this.at(row);
      drawn.push(known ? this.row(known, place) : blank(row, place));
    }
    this.canvas.replaceChildren(...drawn);
  }

  row(row, place) {
    const line = element("div", "row");
    line.id = `span-${row.id ?? row.row}`;
    line.dataset.row = row.row;
    line.style.transform = `translateY(${place * ROW}px)`;
    line.setAttribute("role", "treeitem");
    line.setAttribute("aria-level", String((row.depth ?? 0) + 1));
    line.setAttribute("aria-selected", String(row.row === this.selected));
    if (row.size) line.setAttribute("aria-expanded", String(!this.folds.has(row.row)));
    if (row.error) line.classList.add("error");
    if (row.again) line.classList.add("again");
    if (row.synthetic) line.classList.add("synthetic");
    if (this.matches && this.matched.has(row.row)) line.classList.add("match");
    const mark = this.marks[row.row];
    line.title = [`${row.name}, ${row.kind}, ${row.duration ?? ""}`, row.note, mark, row.onpath, row.shift].filter(Boolean).join("\n");
    line.append(this.name(row, mark), element("span", "time", row.duration ?? ""), this.span(row));
    return line;
  }

  name(row, mark) {
    const cell = element("span", "name");
    const indent = element("span", "indent");
    indent.style.width = `${Math.min(row.depth ?? 0, 12) * 14}px`;
    const fold = element("span", "fold", row.size ? (this.folds.has(row.row) ? "+" : "−") : "");
    fold.dataset.fold = row.size ? "1" : "";
    cell.append(indent, fold, element("span", `kind ${safeKind(row.kind)}`, KINDS[row.kind] ?? "other"));
    if (row.error) cell.append(element("span", "mark", "error"));
    cell.append(element("span", "label", row.name));
    if (mark) cell.append(element("span", "repeat", mark));
    if (row.detail) cell.append(element("span", "detail", row.detail));
    if (row.note) cell.append(element("span", "note", row.note));
    return cell;
  }

  span(row) {
    const cell = element("span", "axis");
    if (row.synthetic) return cell;
    const bar = element("span", `bar ${safeKind(row.kind)}`);
    const [left, width] = this.shifting && row.moved ? row.moved : [row.left, row.width];
    bar.style.left = `${left * 100}%`;
    bar.style.width = `max(2px, ${width * 100}%)`;
    if (row.unended) bar.classList.add("unended");
    if (this.choices.path && row.path) bar.classList.add("path");
    cell.append(bar);
    return cell;
  }

  click(event) {
    const line = event.target.closest(".row");
    if (!line || line.classList.contains("blank")) return;
    const row = Number(line.dataset.row);
    if (event.target.dataset.fold) this.toggle(row);
    else this.choose(row);
  }

  press(event) {
    const place = this.folds.place(this.selected ?? 0);
    const row = this.at(this.selected);
    const moves = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, PageDown: 12, PageUp: -12, Home: -Infinity, End: Infinity };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in moves) {
      this.highlight(this.folds.row(Math.max(0, Math.min(this.count - 1, place + moves[event.key]))));
    } else if (event.key === "/") {
      this.search.focus();
      this.search.select();
    } else if (event.key === "e") this.failure();
    else if (!row) return;
    else if (event.key === "ArrowLeft") {
      if (row.size && !this.folds.has(row.row)) this.toggle(row.row);
      else if (row.parent >= 0) this.highlight(row.parent);
    } else if (event.key === "ArrowRight") {
      if (this.folds.has(row.row)) this.toggle(row.row);
      else if (row.size) this.highlight(row.row + 1);
    } else if (event.key === "Enter" || event.key === " ") {
      this.choose(this.selected);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // In order of the tree, and from the last one to the first again.
  failure() {
    const failures = [...this.head.failures].sort((a, b) => a - b);
    const next = failures.find((row) => row > this.selected) ?? failures[0];
    if (next !== undefined) this.select(next);
  }

  toggle(row) {
    this.folds.set(row, this.at(row).size, !this.folds.has(row));
    this.stretch();
    const shown = this.folds.row(this.folds.place(this.selected));
    if (shown !== this.selected) this.highlight(shown);
    this.settle();
  }

  // Moving shows at once where one is; the page hears of it when the keys rest, so that holding j stays smooth.
  highlight(row) {
    this.selected = row;
    this.reveal();
    this.draw();
    this.settle();
    this.tell(180);
  }

  choose(row) {
    this.selected = row;
    this.draw();
    this.tell(0);
  }

  // A row that is not here yet is told once it is.
  tell(wait) {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      const row = this.at(this.selected);
      if (row?.id) this.emit(row.id);
      else if (!row) this.tell(60);
    }, wait);
  }

  addressed() {
    const row = this.at(this.selected);
    if (row?.id) address(row.id);
  }

  reveal() {
    const top = this.folds.place(this.selected) * ROW;
    const height = this.scroller.clientHeight;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (top + ROW > this.scroller.scrollTop + height) this.scroller.scrollTop = top + ROW - height;
  }
}

export default mounted(Waterfall);

// A row that is on its way.
function blank(row, place) {
  const line = element("div", "row blank");
  line.dataset.row = row;
  line.style.transform = `translateY(${place * ROW}px)`;
  const name = element("span", "name");
  name.append(element("span", "shimmer"));
  line.append(name);
  return line;
}

// A link to the page leads to the span. In place: of Streamlit's own ways to set a parameter each adds to the history.
function address(id) {
  const url = new URL(location.href);
  url.searchParams.set("span", id);
  if (url.href !== location.href) history.replaceState(history.state, "", url);
}

function text(bytes) {
  return new TextDecoder().decode(bytes);
}

function safeKind(kind) {
  return kind in KINDS ? kind : "other";
}
