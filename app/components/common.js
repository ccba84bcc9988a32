// What the scripts of all components start with: `app/component.py` puts it before each.

const parts = new WeakMap();

// The component's default export: one `Part` for each place on the page, which is handed what every run has to say
// (`take`) and ends with the place (`close`).
function mounted(Part) {
  return (told) => {
    const { parentElement } = told;
    let part = parts.get(parentElement);
    if (!part) parts.set(parentElement, (part = new Part(parentElement)));
    part.take(told);
    const turn = (part.turn = (part.turn ?? 0) + 1);
    return () => {
      if (part.turn !== turn) return; // Streamlit calls this late for a turn that another overtook, too
      part.close();
      parts.delete(parentElement);
    };
  };
}

// Whoever writes, chooses from a list or reads a dialog keeps the keys.
function typing(event) {
  const kept = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable=true], [role=listbox], [role=dialog], dialog";
  return event.composedPath().some((node) => node instanceof Element && node.matches(kept));
}

// Text reaches the page through textContent, never as markup.
function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}


// Where the parts of one trace's page meet: the waterfall, what fetches its rows, the graph. Each is there or not yet.
function board(trace) {
  const boards = (globalThis.assaylineTraces ??= new Map());
  if (!boards.has(trace)) boards.set(trace, {});
  return boards.get(trace);
}
