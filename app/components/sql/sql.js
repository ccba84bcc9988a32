// A question in SQL, and beside it what can be asked of. A name that is clicked goes to where the caret is.
// The server has the question once it is run; until then it is kept in this tab.

const DRAFT = "assay-sql-draft";
const FEW = 12; // relations that are listed open at once when something is searched

class Editor {
  constructor(parent) {
    this.root = element("div", "sql");
    const left = element("div", "question");
    this.text = element("textarea", "text");
    this.text.setAttribute("aria-label", "Question in SQL");
    this.text.spellcheck = false;
    this.text.placeholder = "select model, count(*) as calls\nfrom calls\nwhere start_time >= :since and start_time < :until\ngroup by model order by calls desc";
    const row = element("div", "row");
    this.button = element("button", "run", "Run");
    this.button.type = "button";
    this.hint = element("span", "hint", "Ctrl Enter");
    row.append(this.button, this.hint);
    left.append(this.text, row);
    this.root.append(left, this.schema());
    parent.append(this.root);
    this.turn = 0;
    this.born = Date.now();
    this.button.addEventListener("click", () => this.run());
    this.text.addEventListener("input", () => keep(this.text.value));
    this.text.addEventListener("keydown", (event) => this.press(event));
    this.ending = new AbortController();
    document.addEventListener("keydown", (event) => this.focus(event), { signal: this.ending.signal });
  }

  close() {
    this.ending.abort();
    this.root.remove();
  }

  take({ data, setStateValue }) {
    this.tell = (text) => setStateValue("asked", { text, turn: `${this.born}-${++this.turn}` });
    if (data.text !== this.given) {
      this.given = data.text;
      this.text.value = data.text || kept();
    }
    const listed = JSON.stringify(data.relations);
    if (listed !== this.listed) {
      this.listed = listed;
      this.relations = data.relations;
      this.list();
    }
    const fault = JSON.stringify([data.fault, data.turn]);
    if (data.fault && fault !== this.fault) this.mark(data.fault);
    this.fault = fault;
  }

  run() {
    if (!this.text.value.trim()) return this.text.focus();
    keep(this.text.value);
    this.tell(this.text.value);
  }

  press(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.stopPropagation();
      this.run();
    } else if (event.key === "Escape") this.text.blur();
  }

  focus(event) {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event)) return;
    event.preventDefault();
    this.text.focus();
  }

  // Where the database found a fault: selected, so that one can type over it.
  mark({ at, length }) {
    this.text.focus({ preventScroll: true });
    this.text.setSelectionRange(at, at + length);
  }

  insert(word) {
    this.text.focus();
    this.text.setRangeText(word, this.text.selectionStart, this.text.selectionEnd, "end");
    keep(this.text.value);
  }

  schema() {
    const side = element("div", "schema");
    this.search = element("input", "search");
    this.search.type = "search";
    this.search.placeholder = "Search tables and columns";
    this.search.setAttribute("aria-label", "Search tables and columns");
    this.search.addEventListener("input", () => this.list());
    this.tree = element("div", "tree");
    side.append(this.search, this.tree);
    return side;
  }

  list() {
    const wanted = this.search.value.trim().toLowerCase();
    const found = this.relations.map((one) => [one, matching(one, wanted)]).filter(([, columns]) => columns);
    this.tree.replaceChildren(
      ...found.map(([one, columns]) => this.relation(one, columns, wanted !== "" && found.length <= FEW)),
    );
    if (!found.length) this.tree.append(element("p", "none", "Nothing has this name."));
  }

  relation(one, columns, open) {
    const part = element("details", one.stable ? "relation stable" : "relation");
    part.open = open;
    const head = element("summary");
    const name = this.word(one.name, one.comment);
    head.append(name, element("span", "type", one.stable ? "view" : "table"));
    part.append(head);
    if (one.comment) part.append(element("p", "said", one.comment));
    part.append(...columns.map((column) => this.column(column)));
    return part;
  }

  column(column) {
    const line = element("div", "column");
    line.append(this.word(column.name, column.comment), element("span", "type", column.type.toLowerCase()));
    if (column.comment) line.title = column.comment;
    return line;
  }

  word(name, comment) {
    const made = element("button", "word", name);
    made.type = "button";
    made.setAttribute("aria-label", `Insert ${name}`);
    if (comment) made.title = comment;
    made.addEventListener("mousedown", (event) => event.preventDefault()); // the caret stays where it is
    made.addEventListener("click", (event) => {
      event.preventDefault(); // within a summary it would open it, too
      this.insert(plain(name) ? name : `"${name.replaceAll('"', '""')}"`);
    });
    return made;
  }
}

export default mounted(Editor);

// Columns of a relation that a search shows: all when its own name fits; null: none.
function matching(one, wanted) {
  if (!wanted || one.name.toLowerCase().includes(wanted)) return one.columns;
  const columns = one.columns.filter((column) => column.name.toLowerCase().includes(wanted));
  return columns.length ? columns : null;
}

function plain(name) {
  return /^[a-z_][a-z0-9_.]*$/.test(name);
}

function keep(text) {
  try {
    sessionStorage.setItem(DRAFT, text);
  } catch {
    // Storage is full or refused: the draft is lost with the tab.
  }
}

function kept() {
  try {
    return sessionStorage.getItem(DRAFT) ?? "";
  } catch {
    return "";
  }
}
