// Which rows of a tree are hidden, by rows alone: a folded row hides the `size` rows that follow it. Places are rows as
// they stand below one another on the screen. Of a hundred thousand rows only those that are folded are known here.

class Folds {
  constructor() {
    this.folded = new Map(); // row -> how many are below it
    this.arrange();
  }

  arrange() {
    this.gaps = []; // outermost folded rows, from the top; before: rows hidden by those above
    let hidden = -1, before = 0;
    for (const row of [...this.folded.keys()].sort((a, b) => a - b)) {
      if (row <= hidden) continue;
      const size = this.folded.get(row);
      this.gaps.push({ row, size, before });
      before += size;
      hidden = row + size;
    }
    this.hidden = before;
  }

  has(row) {
    return this.folded.has(row);
  }

  set(row, size, on) {
    if (on) this.folded.set(row, size);
    else this.folded.delete(row);
    this.arrange();
  }

  // Unfolds all that hides a row.
  reveal(row) {
    for (const [above, size] of this.folded) if (above < row && row <= above + size) this.folded.delete(above);
    this.arrange();
  }

  // The row at a place.
  row(place) {
    const gap = this.gaps.findLast((each) => each.row - each.before < place);
    return gap ? place + gap.before + gap.size : place;
  }

  // The place of a row; of a hidden one that of the folded row which hides it.
  place(row) {
    const gap = this.gaps.findLast((each) => each.row < row);
    if (!gap) return row;
    return row <= gap.row + gap.size ? gap.row - gap.before : row - gap.before - gap.size;
  }
}
