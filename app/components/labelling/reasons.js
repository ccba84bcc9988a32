// Why an item is skipped: by a digit, or in words.

const REASONS = ["I cannot tell", "It is broken or cut", "I do not know the subject"];

class Reasons {
  // `chosen(reason)`, or `left()` where nothing is skipped.
  constructor(chosen, left) {
    Object.assign(this, { chosen, left });
    this.root = element("div", "reasons");
    this.root.setAttribute("role", "dialog");
    this.root.setAttribute("aria-label", "Why is it skipped");
    this.root.tabIndex = -1;
    this.root.hidden = true;
    this.other = element("input", "entry");
    this.other.placeholder = "Another reason";
    this.other.maxLength = 1000;
    this.other.setAttribute("aria-label", "Another reason");
    this.root.addEventListener("keydown", (event) => this.press(event));
  }

  ask(number) {
    const buttons = REASONS.map((reason, place) => tool(String(place + 1), reason, () => this.chosen(reason)));
    const title = element("div", "ask", `Why is item ${number} skipped?`);
    this.other.value = "";
    this.root.replaceChildren(title, ...buttons, this.other, tool("Esc", "Do not skip", () => this.left()));
    this.root.hidden = false;
    this.root.focus();
    this.root.scrollIntoView({ block: "nearest" });
  }

  close() {
    this.root.hidden = true;
  }

  press(event) {
    if (event.isComposing) return;
    const typed = event.target === this.other;
    const reason = typed ? event.key === "Enter" && this.other.value.trim() : REASONS[Number(event.key) - 1];
    if (event.key === "Escape") this.left();
    else if (reason) this.chosen(reason);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
