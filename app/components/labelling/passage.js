// One text of an item: its beginning and end with a button for the rest, and marks upon it, which may overlap.
// Offsets within are those of JavaScript (UTF-16); what leaves is counted in code points.

const INKS = 8; // colours of marks; a number always stands beside the colour
const RIGHT_TO_LEFT = /^[^\p{L}]*[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1, Home: -1, End: 1 };

class Passage {
  // `keep`: letters of the beginning and of the end that stay in sight.
  constructor(text, keep, laid = false) {
    this.text = text;
    this.keep = text.length > keep[0] + keep[1] + 400 ? [between(text, keep[0]), between(text, text.length - keep[1])] : null;
    this.whole = !this.keep;
    this.marks = [];
    this.root = element("div", laid ? "passage laid" : "passage");
    this.root.dir = laid ? "ltr" : "auto";
    this.draw();
  }

  unfold(whole) {
    if (!this.keep || whole === this.whole) return;
    this.whole = whole;
    this.draw();
  }

  // Marks as `{start, end, ink, tag, at}`; `at` is what a click on one tells `chosen`.
  mark(marks, current) {
    this.marks = marks;
    this.current = current;
    this.draw();
  }

  draw() {
    const [head, tail] = this.whole ? [this.text.length, this.text.length] : this.keep;
    this.root.replaceChildren(...this.stretch(0, head));
    if (this.keep) this.root.append(this.fold(tail - head), ...(this.whole ? [] : this.stretch(tail, this.text.length)));
  }

  fold(hidden) {
    const button = element("button", "fold", this.whole ? "Show less" : `Show ${hidden.toLocaleString("en")} letters more`);
    button.type = "button";
    button.addEventListener("click", () => this.unfold(!this.whole));
    return button;
  }

  stretch(from, to) {
    const edges = new Set([from, to]);
    const held = this.caret ? [Math.min(...this.caret), Math.max(...this.caret), this.caret[1]] : [];
    for (const place of [...this.marks.flatMap(({ start, end }) => [start, end]), ...held]) {
      if (place > from && place < to) edges.add(place);
    }
    const places = [...edges].sort((one, other) => one - other);
    const made = places.slice(1).flatMap((end, index) => this.piece(places[index], end));
    return this.caret && this.caret[1] === to ? [...made, element("i", "caret")] : made;
  }

  piece(start, end) {
    const over = this.marks.filter((mark) => mark.start <= start && mark.end >= end);
    const piece = element("span", "piece", this.text.slice(start, end));
    piece.dataset.at = String(start);
    if (over.length) this.ink(piece, over);
    if (this.caret && Math.min(...this.caret) <= start && Math.max(...this.caret) >= end) piece.classList.add("held");
    const tags = this.marks.filter((mark) => mark.start === start).map((mark) => tagged(mark));
    const caret = this.caret && this.caret[1] === start ? [element("i", "caret")] : [];
    return [...caret, ...tags, piece];
  }

  // The shortest lies on top and is the one that a click chooses; of the others the lines below the text are seen.
  ink(piece, over) {
    const order = over.toSorted((one, other) => one.end - one.start - (other.end - other.start));
    piece.classList.add("inked", `ink${order[0].ink % INKS}`);
    if (over.some(({ at }) => at === this.current)) piece.classList.add("current");
    piece.style.boxShadow = order.slice(0, 4).map(({ ink }, row) => `0 ${2 + 3 * row}px 0 0 var(--ink${ink % INKS})`).join(", ");
    piece.style.paddingBottom = `${3 * Math.min(4, order.length)}px`;
    piece.addEventListener("click", () => this.chosen?.(order[0].at));
  }

  // What the mouse has selected of this text, as [start, end]; null: nothing.
  selected() {
    const range = picked(this.root.getRootNode());
    if (!range || range.collapsed) return null;
    const start = this.offset(range.startContainer, range.startOffset);
    const end = this.offset(range.endContainer, range.endOffset, true);
    return start === null || end === null || start >= end ? null : [start, end];
  }

  // Where a place of the page is in the text; a place outside of its pieces is that of the nearest piece.
  offset(node, within, end = false) {
    if (!this.root.contains(node)) return null;
    const own = node.nodeType === Node.TEXT_NODE && node.parentElement.closest(".piece");
    if (own) return Number(own.dataset.at) + within;
    const pieces = [...this.root.querySelectorAll(".piece")];
    const place = new Range();
    place.setStart(node, within);
    const after = pieces.find((piece) => place.comparePoint(piece, 0) >= 0);
    const [last] = pieces.slice(-1);
    if (after && !end) return Number(after.dataset.at);
    const found = after ? pieces[pieces.indexOf(after) - 1] : last;
    return found ? Number(found.dataset.at) + found.textContent.length : 0;
  }

  // The keyboard's own selection: `caret` is [where it began, where it is]. True: the key was one of its.
  press(event) {
    if (!(event.key in STEPS)) return false;
    this.unfold(true);
    let forward = STEPS[event.key] > 0;
    if (["ArrowLeft", "ArrowRight"].includes(event.key) && RIGHT_TO_LEFT.test(this.paragraph())) forward = !forward;
    const to = event.key === "Home" ? 0 : event.key === "End" ? this.text.length : this.step(unit(event), forward);
    this.put(event.shiftKey ? [this.caret[0], to] : [to, to]);
    return true;
  }

  put(caret) {
    this.caret = caret;
    this.draw();
    this.root.querySelector(".caret")?.scrollIntoView({ block: "nearest" });
  }

  drop() {
    this.caret = null;
    this.draw();
  }

  paragraph() {
    return this.text.slice(this.text.lastIndexOf("\n", this.caret[1] - 1) + 1).split("\n", 1)[0];
  }

  step(granularity, forward) {
    const here = this.caret[1];
    if (forward ? here >= this.text.length : here <= 0) return here;
    const found = new Intl.Segmenter(undefined, { granularity }).segment(this.text).containing(forward ? here : here - 1);
    return forward ? found.index + found.segment.length : found.index;
  }
}

function unit(event) {
  if (event.key === "ArrowUp" || event.key === "ArrowDown") return "sentence";
  return event.ctrlKey || event.altKey || event.metaKey ? "word" : "grapheme";
}

// The place between two words at or a little before this one; at least it splits no character in two.
function between(text, place) {
  const blank = /\s(?=\S{0,40}$)/.exec(text.slice(Math.max(0, place - 41), place));
  if (blank) return Math.max(0, place - 41) + blank.index + 1;
  return /[\uDC00-\uDFFF]/.test(text[place] ?? "") && /[\uD800-\uDBFF]/.test(text[place - 1] ?? "") ? place - 1 : place;
}

// Offsets of JavaScript to code points, and back.
function points(text, units) {
  return Array.from(text.slice(0, units)).length;
}

function units(text, points) {
  let place = 0;
  for (let count = 0; count < points && place < text.length; count++) place += text.codePointAt(place) > 0xffff ? 2 : 1;
  return place;
}

function tagged({ tag, ink }) {
  const made = element("sup", `tag ink${ink % INKS}`, tag);
  made.setAttribute("aria-hidden", "true");
  return made;
}

// What is selected within a shadow root: browsers differ in who tells it.
function picked(root) {
  const selection = document.getSelection();
  if (selection.getComposedRanges) return selection.getComposedRanges({ shadowRoots: [root] })[0];
  const own = root.getSelection?.() ?? selection;
  return own.rangeCount ? own.getRangeAt(0) : null;
}

// JSON laid out over lines; null when the text is none.
function laidOut(text) {
  if (!/^\s*[[{]/.test(text)) return null;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return null;
  }
}
