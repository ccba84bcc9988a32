// The agent graph of one trace, in layers from left to right. Places come from the server; here they become lines.

const WIDE = 200, HIGH = 46, BESIDE = 132, BELOW = 20, EDGE = 16;
const LETTERS = 26; // of a name in its box; the whole stands on hover and in the table below
const KINDS = new Set("llm embedding tool agent workflow retriever reranker guardrail memory mcp".split(" "));

class Graph {
  constructor(parent) {
    this.root = element("div", "graph");
    parent.append(this.root);
  }

  close() {
    this.root.remove();
  }

  take({ data, setStateValue }) {
    this.tell = (number) => setStateValue("node", number);
    this.chosen = data.chosen;
    const text = JSON.stringify([data.nodes, data.edges]);
    if (text === this.text) return this.paint();
    this.text = text;
    this.draw(data);
    this.paint();
  }

  draw({ nodes, edges, label }) {
    const half = Math.max(...nodes.map((node) => Math.abs(node.place)), 0);
    this.at = new Map(nodes.map((node) => [node.number, [EDGE + node.layer * (WIDE + BESIDE), EDGE + (node.place + half) * (HIGH + BELOW)]]));
    const width = 2 * EDGE + WIDE + Math.max(...nodes.map((node) => node.layer), 0) * (WIDE + BESIDE) + 40;
    const svg = drawn("svg", { width, height: 2 * EDGE + HIGH + 2 * half * (HIGH + BELOW) + 24, role: "group", "aria-label": label });
    this.edges = edges.map((edge) => this.edge(edge));
    this.nodes = nodes.map((node) => this.node(node));
    svg.append(...this.edges.flatMap((edge) => edge.parts), ...this.nodes.map((node) => node.part));
    this.root.replaceChildren(svg);
  }

  node(node) {
    const [x, y] = this.at.get(node.number);
    const part = drawn("g", { class: `node ${KINDS.has(node.kind) ? node.kind : "other"}`, transform: `translate(${x} ${y})`, tabindex: "0", role: "button" });
    if (node.errors) part.classList.add("error");
    part.setAttribute("aria-label", `${node.kind} ${node.name}, ${node.said}`);
    const name = node.name.length > LETTERS ? `${node.name.slice(0, LETTERS - 1)}…` : node.name;
    part.append(
      drawn("rect", { class: "box", width: WIDE, height: HIGH, rx: 4 }), drawn("rect", { class: "stripe", width: 5, height: HIGH, rx: 2 }),
      written("text", { x: 14, y: 19 }, name), written("text", { x: 14, y: 36, class: "said" }, node.said),
      written("title", {}, `${node.kind} ${node.name}\n${node.said}`),
    );
    part.addEventListener("click", () => this.choose(node.number));
    part.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      this.choose(node.number);
    });
    return { part, number: node.number };
  }

  edge(edge) {
    const [x, y] = this.at.get(edge.above), [to, under] = this.at.get(edge.below);
    const middle = HIGH / 2;
    const ahead = to > x;
    const way = edge.above === edge.below
      ? `M${x + WIDE - 40} ${y + HIGH} c0 22 -60 22 -60 0`
      : ahead
        ? `M${x + WIDE} ${y + middle} C${x + WIDE + 48} ${y + middle} ${to - 48} ${under + middle} ${to - 6} ${under + middle}`
        : `M${x + WIDE / 2} ${y + HIGH} C${x + WIDE / 2} ${y + HIGH + 40} ${to + WIDE / 2} ${under + HIGH + 40} ${to + WIDE / 2} ${under + HIGH}`;
    const line = drawn("path", { class: `edge${edge.errors ? " error" : ""}`, d: way, "stroke-width": 1 + Math.min(4, Math.log10(edge.count + 1) * 1.5) });
    line.append(written("title", {}, edge.said));
    const tip = ahead ? drawn("path", { class: "head", d: `M${to - 1} ${under + middle} l-7 -4 v8 z` }) : drawn("path", { d: "" });
    const [labelX, labelY] = ahead ? [to - 10, under + middle - 6] : [(x + to + WIDE) / 2, Math.max(y, under) + HIGH + 16];
    const calls = written("text", { class: "calls", x: labelX, y: labelY, "text-anchor": ahead ? "end" : "middle" }, edge.calls);
    return { parts: [line, tip, calls], line, ends: [edge.above, edge.below] };
  }

  choose(number) {
    this.chosen = number;
    this.paint();
    this.tell(number);
  }

  paint() {
    for (const { part, number } of this.nodes) part.setAttribute("aria-pressed", String(number === this.chosen));
    for (const { line, ends } of this.edges) line.classList.toggle("near", ends.includes(this.chosen));
  }
}

export default mounted(Graph);

function drawn(tag, told) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(told)) made.setAttribute(name, value);
  return made;
}

// Text reaches the page through textContent, never as markup.
function written(tag, told, text) {
  const made = drawn(tag, told);
  made.textContent = text;
  return made;
}
