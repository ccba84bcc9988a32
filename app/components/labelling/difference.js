// What a correction changes, by words: Myers' difference (An O(ND) Difference Algorithm, 1986) over the words of both.

const FARTHEST = 800; // words that differ; what differs more is told as wholly replaced

// Stretches in order, `kind` same, gone or new; those that are same or gone make the text before, same or new the one after.
function difference(before, after) {
  const [old, fresh] = [words(before), words(after)];
  let head = 0;
  while (head < old.length && head < fresh.length && old[head] === fresh[head]) head++;
  let tail = 0;
  while (tail < Math.min(old.length, fresh.length) - head && old.at(-1 - tail) === fresh.at(-1 - tail)) tail++;
  const steps = shortest(old.slice(head, old.length - tail), fresh.slice(head, fresh.length - tail));
  const same = (from, to) => old.slice(from, to).map((text) => ["same", text]);
  return joined([...same(0, head), ...steps, ...same(old.length - tail, old.length)]);
}

function words(text) {
  return Array.from(new Intl.Segmenter(undefined, { granularity: "word" }).segment(text), ({ segment }) => segment);
}

function shortest(old, fresh) {
  const trace = explored(old, fresh);
  if (!trace) return [...old.map((text) => ["gone", text]), ...fresh.map((text) => ["new", text])];
  const steps = [];
  let [x, y] = [old.length, fresh.length];
  for (let far = trace.length - 1; far > 0; far--) {
    const reach = trace[far - 1];
    const k = x - y;
    const down = k === -far || (k !== far && reach.get(k - 1) < reach.get(k + 1));
    const from = down ? reach.get(k + 1) : reach.get(k - 1);
    const start = down ? from : from + 1;
    while (x > start) [x, y] = (steps.push(["same", old[x - 1]]), [x - 1, y - 1]);
    if (down) steps.push(["new", fresh[--y]]);
    else steps.push(["gone", old[--x]]);
  }
  while (x > 0) steps.push(["same", old[--x]]);
  return steps.reverse();
}

// How far each diagonal reaches with 0, 1, ... words that differ; null: they differ too much.
function explored(old, fresh) {
  const trace = [];
  for (let far = 0; far <= Math.min(FARTHEST, old.length + fresh.length); far++) {
    const [before, reach] = [trace[far - 1], new Map()];
    for (let k = -far; k <= far; k += 2) {
      const down = !before || k === -far || (k !== far && before.get(k - 1) < before.get(k + 1));
      let x = !before ? 0 : down ? before.get(k + 1) : before.get(k - 1) + 1;
      while (x < old.length && x - k < fresh.length && old[x] === fresh[x - k]) x++;
      reach.set(k, x);
      if (x >= old.length && x - k >= fresh.length) return [...trace, reach];
    }
    trace.push(reach);
  }
  return null;
}

function joined(steps) {
  const found = [];
  for (const [kind, text] of steps) {
    if (found.at(-1)?.kind === kind) found.at(-1).text += text;
    else found.push({ kind, text });
  }
  return found;
}
