// Time spent on an item, and whether anybody is there.

const PAUSE_S = 120; // of a longer time without a key or move the rest is not time spent
const AWAY_S = 3600; // without either nobody is there, and what is in hand may go to others
const SIGNS = ["pointerdown", "pointermove", "keydown", "wheel"];

class Clock {
  constructor(signal) {
    for (const kind of SIGNS) document.addEventListener(kind, () => this.touch(), { signal, passive: true, capture: true });
    this.begin(0);
  }

  // Another item, on which so many seconds were spent before.
  begin(seconds) {
    this.before = seconds;
    this.since = performance.now();
    this.touched ??= this.since;
  }

  touch() {
    this.begin(this.seconds);
    this.touched = this.since;
  }

  get seconds() {
    return this.before + (document.visibilityState === "hidden" ? 0 : Math.min(PAUSE_S, (performance.now() - this.since) / 1000));
  }

  get there() {
    return performance.now() - this.touched < 1000 * AWAY_S;
  }
}
