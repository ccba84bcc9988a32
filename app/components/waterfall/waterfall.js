// Tree and waterfall of one trace. Rows are virtual: of thousands of spans only those in view exist as elements.

const ROW = 26;
const SPARE = 12; // rows drawn beyond each edge of the view
const KINDS = {
  llm: "llm", embedding: "embed", tool: "tool", agent: "agent", workflow: "flow", retriever: "retr",
  reranker: "rerank", guardrail: "guard", evaluator: "eval", memory: "memory", mcp: "mcp", other: "other",
};

class Waterfall {
  constructor(parent) {
    this.root = element("div", "waterfall");
    this.top = element("div", "head");
    this.scroller = element("div", "scroller");
    this.scroller.tabIndex = 0;
    this.scroller.setAttribute("role", "tree");
    this.scroller.setAttribute("aria-label", "Spans of the trace. j and k move, left and right fold, Enter opens.");
    this.canvas = element("div", "canvas");
    this.scroller.append(this.canvas);
    this.root.append(this.top, this.scroller);
    parent.append(this.root);
    this.folded = new Set();
    this.scroller.addEventListener("scroll", () => this.draw(), { passive: true });
    this.scroller.addEventListener("keydown", (event) => this.press(event));
    this.canvas.addEventListener("click", (event) => this.click(event));
    this.resize = new ResizeObserver(() => this.draw());
    this.resize.observe(this.scroller);
  }

  close() {
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

  // A line of JSON about the rows, then the rows; these are read again only when they changed.
  read(bytes) {
    const end = bytes.indexOf(10);
    const head = JSON.parse(text(bytes.subarray(0, end)));
    const same = head.trace === this.head?.trace && head.version === this.head.version;
    this.load(head, same ? this.rows : JSON.parse(text(bytes.subarray(end + 1))));
  }

  load(head, rows) {
    const fresh = head.trace !== this.head?.trace;
    const asked = fresh || head.asked !== this.head.asked;
    if (!fresh && !asked && rows === this.rows) return;
    this.head = head;
    this.rows = rows;
    this.ids = new Set(rows.map((row) => row.id));
    if (fresh) this.folded.clear();
    if (asked || !this.ids.has(this.selected)) this.selected = head.selected;
    this.scroller.style.height = `${Math.min(head.height, Math.max(3, rows.length) * ROW + 4)}px`;
    this.drawHead();
    this.arrange();
    if (asked) this.open(this.selected);
    if (asked && !fresh) address(this.selected);
    if (fresh) this.focus();
  }

  // Unfolds what hides a row, and shows it.
  open(id) {
    const at = this.rows.findIndex((row) => row.id === id);
    for (let depth = this.rows[at]?.depth ?? 0, index = at; index >= 0 && depth > 0; index--) {
      if ((this.rows[index].depth ?? 0) < depth) {
        depth = this.rows[index].depth ?? 0;
        this.folded.delete(this.rows[index].id);
      }
    }
    this.arrange();
    const top = (this.place.get(id) ?? 0) * ROW;
    this.scroller.scrollTop = top - (this.scroller.clientHeight - ROW) / 2; // in the middle, among its neighbours
    this.draw();
  }

  // The keys work at once, unless somebody is at work elsewhere on the page.
  focus() {
    const active = document.activeElement;
    if (!active || active.contains(this.root.getRootNode().host ?? this.root)) this.scroller.focus({ preventScroll: true });
  }

  // Rows come in drawing order, each with its depth: a folded row hides what follows until its depth returns.
  arrange() {
    this.visible = [];
    let hidden = Infinity;
    for (const row of this.rows) {
      const depth = row.depth ?? 0;
      if (depth > hidden) continue;
      hidden = this.folded.has(row.id) ? depth : Infinity;
      this.visible.push(row);
    }
    this.place = new Map(this.visible.map((row, index) => [row.id, index]));
    this.canvas.style.height = `${this.visible.length * ROW}px`;
    this.draw();
  }

  drawHead() {
    const name = element("span", "name", "Span");
    name.append(element("span", "keys", "j k move, ← → fold, Enter opens"));
    this.top.replaceChildren(name, element("span", "time", "Duration"));
    const axis = element("span", "axis");
    for (const tick of this.head.ticks) {
      const mark = element("span", "tick", tick.label);
      mark.style.left = `${tick.at * 100}%`;
      axis.append(mark);
    }
    this.top.append(axis);
  }

  draw() {
    if (!this.visible) return;
    this.scroller.setAttribute("aria-activedescendant", `span-${this.selected}`);
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW) - SPARE);
    const last = Math.min(this.visible.length, Math.ceil((this.scroller.scrollTop + this.scroller.clientHeight) / ROW) + SPARE);
    this.canvas.replaceChildren(...this.visible.slice(first, last).map((row, index) => this.row(row, first + index)));
  }

  row(row, index) {
    const line = element("div", "row");
    line.id = `span-${row.id}`;
    line.dataset.id = row.id;
    line.style.transform = `translateY(${index * ROW}px)`;
    line.setAttribute("role", "treeitem");
    line.setAttribute("aria-level", String((row.depth ?? 0) + 1));
    line.setAttribute("aria-selected", String(row.id === this.selected));
    if (row.children) line.setAttribute("aria-expanded", String(!this.folded.has(row.id)));
    if (row.error) line.classList.add("error");
    if (row.note) line.classList.add("again");
    line.title = `${row.name}, ${row.kind}, ${row.duration}`;
    line.append(this.name(row), element("span", "time", row.duration), this.bar(row));
    return line;
  }

  name(row) {
    const cell = element("span", "name");
    const indent = element("span", "indent");
    indent.style.width = `${Math.min(row.depth ?? 0, 12) * 14}px`;
    const fold = element("span", "fold", row.children ? (this.folded.has(row.id) ? "+" : "−") : "");
    fold.dataset.fold = row.children ? "1" : "";
    cell.append(indent, fold, element("span", `kind ${safeKind(row.kind)}`, KINDS[row.kind] ?? "other"));
    if (row.error) cell.append(element("span", "mark", "error"));
    cell.append(element("span", "label", row.name));
    if (row.detail) cell.append(element("span", "detail", row.detail));
    if (row.note) cell.append(element("span", "note", row.note));
    return cell;
  }

  bar(row) {
    const cell = element("span", "axis");
    const bar = element("span", `bar ${safeKind(row.kind)}`);
    bar.style.left = `${row.left * 100}%`;
    bar.style.width = `max(2px, ${row.width * 100}%)`;
    if (row.unended) bar.classList.add("unended");
    cell.append(bar);
    return cell;
  }

  click(event) {
    const line = event.target.closest(".row");
    if (!line) return;
    if (event.target.dataset.fold) this.toggle(line.dataset.id);
    else this.choose(line.dataset.id);
  }

  press(event) {
    const at = this.place.get(this.selected) ?? 0;
    const row = this.visible[at];
    const moves = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, PageDown: 12, PageUp: -12, Home: -Infinity, End: Infinity };
    if (event.ctrlKey || event.metaKey || event.altKey || !row) return;
    if (event.key in moves) {
      const next = Math.max(0, Math.min(this.visible.length - 1, at + moves[event.key]));
      this.highlight(this.visible[next].id);
    } else if (event.key === "ArrowLeft") {
      if (row.children && !this.folded.has(row.id)) this.toggle(row.id);
      else this.climb(at);
    } else if (event.key === "ArrowRight") {
      if (this.folded.has(row.id)) this.toggle(row.id);
      else if (row.children) this.highlight(this.visible[at + 1].id);
    } else if (event.key === "Enter" || event.key === " ") {
      this.choose(this.selected);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // To the parent: the last row above that is less deep.
  climb(at) {
    const depth = this.visible[at].depth ?? 0;
    const above = this.visible.slice(0, at).findLast((row) => (row.depth ?? 0) < depth);
    if (depth && above) this.highlight(above.id);
  }

  toggle(id) {
    if (!this.folded.delete(id)) this.folded.add(id);
    if (!this.folded.has(id)) this.arrange();
    else {
      this.arrange();
      if (!this.place.has(this.selected)) this.highlight(id);
    }
  }

  // Moving shows at once where one is; the page hears of it when the keys rest, so that holding j stays smooth.
  highlight(id) {
    this.selected = id;
    this.reveal();
    this.draw();
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.emit(id), 180);
  }

  choose(id) {
    clearTimeout(this.resting);
    this.selected = id;
    this.draw();
    this.emit(id);
  }

  reveal() {
    const top = (this.place.get(this.selected) ?? 0) * ROW;
    const height = this.scroller.clientHeight;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (top + ROW > this.scroller.scrollTop + height) this.scroller.scrollTop = top + ROW - height;
  }
}

export default mounted(Waterfall);

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
