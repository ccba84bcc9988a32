// Fetches for the waterfall what comes into view, and what is sought. One question at a time: what is asked for
// meanwhile goes into the next.

const AGAIN_MS = 4000; // a run of the page may swallow a question

class Rows {
  constructor() {
    this.number = 0;
  }

  close() {
    clearTimeout(this.timer);
    if (this.board?.rows === this) delete this.board.rows;
  }

  take({ data, setStateValue }) {
    this.send = (wanted) => setStateValue("wanted", wanted);
    const end = data.indexOf(10);
    const head = JSON.parse(read(data.subarray(0, end)));
    this.board = board(head.trace);
    this.board.rows = this;
    if (Object.keys(head.marks ?? {}).length) this.board.marks = { version: head.version, words: head.marks };
    const answered = this.pending && head.answers === this.pending.number;
    this.board.waterfall?.receive(head, JSON.parse(read(data.subarray(end + 1)))); // else it takes the marks when it comes
    if (answered) {
      clearTimeout(this.timer);
      this.pending = undefined;
    }
    if (!this.pending) this.next();
  }

  // The waterfall says what it lacks now; nothing of what it lacked before is fetched any more.
  next() {
    const wanted = this.board?.waterfall?.wants();
    if (wanted && !this.pending) this.ask(wanted);
  }

  ask(wanted) {
    this.pending = { ...wanted, number: ++this.number + Date.now() };
    this.repeat();
  }

  repeat() {
    clearTimeout(this.timer);
    this.send(this.pending);
    this.timer = setTimeout(() => {
      if (!this.pending) return;
      this.pending = { ...this.pending, number: this.pending.number + 1 };
      this.repeat();
    }, AGAIN_MS);
  }
}

export default mounted(Rows);

function read(bytes) {
  return new TextDecoder().decode(bytes);
}
