// A list whose rows are links. Keys move a mark among the rows without asking the server; the links themselves are
// the browser's: a click, Enter, a click with Ctrl, the middle button, "open in new tab" all do what they do anywhere.
// Rows with a key can be selected. What is selected is known here, also of other pages of the list; the server is told.

class Listing {
  constructor(parent) {
    this.root = element("div", "listing");
    this.root.setAttribute("role", "table");
    parent.append(this.root);
    this.ending = new AbortController();
    document.addEventListener("keydown", (event) => this.press(event), { signal: this.ending.signal });
    this.root.addEventListener("focusin", (event) => this.mark(this.links.indexOf(event.target)));
  }

  close() {
    this.ending.abort();
    this.root.remove();
  }

  take({ data: { selection, ...data }, setStateValue }) {
    this.tell = (keys) => setStateValue("selected", keys);
    this.adopt(selection);
    const text = JSON.stringify([data, !selection]);
    if (text === this.text) return this.paint();
    const kept = this.text && this.links[this.at]?.getAttribute("href");
    const held = this.links?.includes(this.root.getRootNode().activeElement);
    this.text = text;
    this.columns = data.columns;
    this.root.setAttribute("aria-label", data.label);
    this.root.setAttribute("aria-rowcount", String(data.rows.length + 1));
    const widths = [...(selection ? ["16px"] : []), ...data.columns.map((column) => column.width)];
    this.root.style.setProperty("--columns", widths.join(" "));
    this.links = [];
    this.boxes = [];
    this.last = undefined;
    this.root.replaceChildren(this.head(), ...data.rows.map((row) => this.row(row)));
    this.paint();
    this.resume(kept, held);
  }

  // A selection that the server has is only taken over when it is of something else: it may be older than a click.
  adopt(selection) {
    if (selection?.of === this.selection?.of) return;
    this.selection = selection;
    this.picked = new Set(selection?.keys);
  }

  // One row, or with `ranged` all from the one before to it, as that one becomes.
  pick(index, ranged) {
    const on = !this.picked.has(this.boxes[index].name);
    const from = ranged ? (this.last ?? index) : index;
    for (const box of this.boxes.slice(Math.min(from, index), Math.max(from, index) + 1)) this.put(box.name, on);
    this.last = index;
    this.told();
  }

  put(key, on) {
    if (!on) this.picked.delete(key);
    else if (this.picked.size < this.selection.most) this.picked.add(key);
  }

  told() {
    this.paint();
    this.tell([...this.picked]);
  }

  paint() {
    if (!this.selection) return;
    for (const box of this.boxes) {
      box.checked = this.picked.has(box.name);
      box.closest(".line").classList.toggle("picked", box.checked);
    }
    const count = this.boxes.filter((box) => box.checked).length;
    this.all.checked = count > 0 && count === this.boxes.length;
    this.all.indeterminate = count > 0 && !this.all.checked;
  }

  // The row that was marked before, or from which one left this entry of the history, and how far one had scrolled.
  resume(kept, held) {
    const { link, scroll } = history.state ?? {};
    const fresh = kept === undefined;
    const at = this.links.findIndex((row) => row.getAttribute("href") === (fresh ? link : kept));
    this.at = -1;
    this.mark(Math.max(0, at), at >= 0);
    if (at < 0) return;
    if (held) this.links[at].focus({ preventScroll: true });
    if (!fresh) return;
    const main = this.root.getRootNode().host?.closest('[data-testid="stMain"]');
    if (!document.activeElement?.matches("input, textarea")) this.links[at].focus({ preventScroll: true });
    if (main && scroll) requestAnimationFrame(() => scrolled(main, scroll, performance.now() + 2000));
  }

  // One row alone is reached by Tab, the others from there. `seen`: somebody has been there.
  mark(index, seen = true) {
    this.links[this.at]?.setAttribute("tabindex", "-1");
    if (!this.links[index]) return;
    this.at = index;
    this.seen = seen;
    this.links[index].setAttribute("tabindex", "0");
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event)) return;
    const inside = this.links.includes(event.composedPath()[0]);
    if (![undefined, null, this.root].includes(event.composedPath()[0].closest?.(".listing"))) return; // another list
    const steps = { j: 1, k: -1, ...(inside ? { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity } : {}) };
    if (event.key in steps) {
      const next = this.seen ? this.at + steps[event.key] : 0;
      this.links[Math.max(0, Math.min(this.links.length - 1, next))]?.focus();
    } else if (event.key === "o" && inside) event.composedPath()[0].click();
    else if (!this.selects(event)) return;
    event.preventDefault();
  }

  selects({ key }) {
    if (!this.selection) return false;
    const at = this.boxes.findIndex((box) => box.closest(".line").contains(this.links[this.at]));
    if (key.toLowerCase() === "x" && this.seen && at >= 0) this.pick(at, key === "X");
    else if (key === "Escape" && this.picked.size) {
      this.picked.clear();
      this.told();
    } else return false;
    return true;
  }

  head() {
    const line = element("div", "line head");
    line.setAttribute("role", "row");
    if (this.selection) line.append(this.whole());
    for (const column of this.columns) {
      const cell = element("span", `cell ${column.align}`, column.name);
      cell.setAttribute("role", "columnheader");
      if (column.help) cell.title = column.help;
      line.append(cell);
    }
    return line;
  }

  row(row) {
    const line = element("div", "line");
    line.setAttribute("role", "row");
    if (row.heading) return this.heading(line, row.heading);
    if (this.selection) line.append(this.box(row));
    line.append(...row.cells.map((told, index) => this.cell(row, told, this.columns[index])));
    return line;
  }

  heading(line, text) {
    const cell = element("span", "cell", text);
    cell.setAttribute("role", "rowheader");
    cell.title = text;
    line.classList.add("heading");
    line.append(cell);
    return line;
  }

  whole() {
    const { cell, box } = checkbox("columnheader", "Select all of this page");
    this.all = box;
    cell.addEventListener("click", () => {
      const on = this.boxes.some((one) => !this.picked.has(one.name));
      for (const one of this.boxes) this.put(one.name, on);
      this.told();
    });
    return cell;
  }

  box(row) {
    const { cell, box } = checkbox("cell", `Select ${row.cells[this.columns.findIndex((column) => column.link)]?.text}`);
    const index = this.boxes.push(box) - 1;
    box.name = row.key;
    cell.addEventListener("click", (event) => this.pick(index, event.shiftKey));
    return cell;
  }

  cell(row, told, column) {
    const cell = element("span", `cell ${column.align}`);
    cell.setAttribute("role", "cell");
    if (told.title) cell.title = told.title;
    if (column.link && row.href) cell.append(this.link(row, told.text));
    else if (told.tone) cell.append(element("span", `badge ${safeTone(told.tone)}`, told.text));
    else if (told.share !== undefined) cell.append(bar(told.share), element("span", "number", told.text));
    else if (told.course) cell.append(course(told.course));
    else cell.append(element("span", told.quiet ? "text quiet" : "text", told.text));
    return cell;
  }

  // It covers its row, so that one may aim anywhere.
  link(row, text) {
    const link = element("a", "text", text);
    link.href = row.href;
    if (row.anew) link.target = "_top"; // the shell leaves these to the browser
    link.tabIndex = -1;
    this.links.push(link);
    return link;
  }
}

export default mounted(Listing);

// Again until `until` while the page is too short for it: the list is there before it has its height.
function scrolled(main, top, until) {
  main.scrollTo(0, top);
  const short = main.scrollHeight - main.clientHeight < top;
  if (short && performance.now() < until) requestAnimationFrame(() => scrolled(main, top, until));
}

// The whole cell is clicked, so that one may aim roughly; what is checked is painted afterwards. Keys stay with the rows.
function checkbox(role, label) {
  const cell = element("span", "cell pick");
  const box = element("input");
  cell.setAttribute("role", role);
  box.type = "checkbox";
  box.tabIndex = -1;
  box.setAttribute("aria-label", label);
  cell.addEventListener("mousedown", (event) => event.preventDefault()); // no text is marked by a click with Shift
  cell.append(box);
  return { cell, box };
}

function bar(share) {
  const track = element("span", "track");
  const filled = element("span", "bar");
  filled.style.width = `max(1px, ${share * 100}%)`;
  track.append(filled);
  return track;
}

// A line as wide as its cell, in the band of what was expected; one scale for both.
function course({ points: values, low, high, marked, said }) {
  const known = [...values, ...low, ...high].filter((value) => value !== null);
  const [bottom, top] = [Math.min(...known), Math.max(...known)];
  const x = (at) => (values.length > 1 ? (100 * at) / (values.length - 1) : 50);
  const y = (value) => (top > bottom ? 20 - (18 * (value - bottom)) / (top - bottom) : 11);
  const drawn = shape("svg", { viewBox: "0 0 100 22", preserveAspectRatio: "none", role: "img", class: "course" });
  drawn.setAttribute("aria-label", said);
  for (const run of runs(low.map((value, at) => value !== null && high[at] !== null))) {
    const edge = [...run.map((at) => [at, high[at]]), ...run.toReversed().map((at) => [at, low[at]])];
    drawn.append(shape("path", { class: "band", d: path(edge, x, y) }));
  }
  for (const run of runs(values.map((value) => value !== null))) {
    drawn.append(shape("path", { class: run.length > 1 ? "line-of" : "line-of lone", d: path(run.map((at) => [at, values[at]]), x, y) }));
  }
  for (const at of marked) drawn.append(shape("path", { class: "mark", d: path([[at, values[at]]], x, y) }));
  return drawn;
}

// A lone point is a line of no length, which a round cap draws as a dot.
function path(points, x, y) {
  const told = points.map(([at, value]) => `${x(at).toFixed(2)} ${y(value).toFixed(2)}`);
  return `M${told.length > 1 ? told.join("L") : `${told[0]}h0.01`}`;
}

// Places of neighbours that are all true.
function runs(flags) {
  const found = [];
  flags.forEach((flag, at) => {
    if (flag && flags[at - 1]) found.at(-1).push(at);
    else if (flag) found.push([at]);
  });
  return found;
}

function shape(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function safeTone(tone) {
  return ["green", "orange", "red", "blue"].includes(tone) ? tone : "gray";
}
