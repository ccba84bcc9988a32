// What every page has: one entry of the browser's history for each move, and the keys "/" and "?".
//
// Streamlit's own links set the address twice when a widget is bound to a parameter (once for the old page, once for
// the new one), so that Back needs several presses. A link is followed here instead: the address is pushed once, and
// Streamlit is told as the browser tells it, by a popstate; it then takes every bound value from the address and
// corrects the address in place.

const SCOPE = ["range", "from", "to"]; // what a link without parameters takes along: the time range
const PROJECT = "project"; // what every link takes along that does not name another

// While its control is not there yet, Streamlit drops the range from the address: such a move loads the page anew.
const READY = ".st-key-range input, .st-key-range button";

class Shell {
  constructor(parent) {
    this.dialog = element("dialog", "keys");
    this.dialog.setAttribute("aria-label", "Keys");
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    parent.append(this.dialog);
    this.ending = new AbortController();
    const { signal } = this.ending;
    this.carried = new WeakMap(); // link -> what it says by itself, and with the project
    document.addEventListener("click", (event) => this.click(event), { capture: true, signal });
    for (const kind of ["pointerdown", "contextmenu"]) {
      document.addEventListener(kind, (event) => this.address(anchor(event)), { capture: true, signal });
    }
    document.addEventListener("keydown", (event) => this.press(event), { signal });
  }

  take({ data }) {
    this.data = data;
  }

  close() {
    this.ending.abort();
    this.dialog.remove();
  }

  // Where a link leads from here, in it too: the browser follows some by itself (middle button, menu, a tab of its own).
  // A link may outlive a change of the project, and be given another address meanwhile.
  address(link) {
    if (!link) return null;
    const plain = this.plain(link);
    const url = new URL(plain, document.baseURI);
    if (!this.ours(url)) return url;
    if (carry(url)) {
      link.href = url.href;
      this.carried.set(link, { plain, told: link.getAttribute("href") });
    } else if (plain !== link.getAttribute("href")) link.setAttribute("href", plain);
    return url;
  }

  plain(link) {
    const kept = this.carried.get(link);
    return kept?.told === link.getAttribute("href") ? kept.plain : link.getAttribute("href");
  }

  // Before Streamlit hears of it: it would take a click with Ctrl, too, for a move within the tab.
  click(event) {
    const link = anchor(event);
    const url = this.address(link);
    if (!link || (link.target && link.target !== "_self") || link.hasAttribute("download") || !this.ours(url)) return;
    event.stopPropagation();
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.go(url, this.plain(link));
  }

  ours(url) {
    const [folder, name] = split(url.pathname);
    return url.origin === location.origin && folder === split(location.pathname)[0] && this.data.pages.includes(name);
  }

  // The entry that is left remembers the link and the place, so that a list comes back as it was.
  go(url, link) {
    if ([...url.searchParams.keys()].every((name) => name === PROJECT)) {
      const here = new URLSearchParams(location.search);
      for (const name of SCOPE) if (here.has(name)) url.searchParams.set(name, here.get(name));
    }
    if (!document.querySelector(READY)) {
      location.assign(url);
      return;
    }
    history.replaceState({ ...history.state, link, scroll: main()?.scrollTop ?? 0 }, "");
    if (url.href !== location.href) history.pushState({}, "", url);
    main()?.scrollTo(0, 0);
    dispatchEvent(new PopStateEvent("popstate", { state: history.state }));
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event)) return;
    if (event.key === "?") this.help();
    else if (event.key === "/") {
      const fields = main()?.querySelectorAll("input[placeholder^='Search']") ?? [];
      const search = [...fields].find((field) => field.checkVisibility()); // those of other tabs are there, unseen
      if (!search) return;
      search.focus();
      search.select();
    } else return;
    event.preventDefault();
  }

  help() {
    const groups = this.data.keys.flatMap(([heading, rows]) => {
      const list = element("dl", "");
      for (const [keys, does] of rows) {
        const term = element("dt", "");
        for (const key of keys) term.append(element("kbd", "", key));
        list.append(term, element("dd", "", does));
      }
      return [element("h2", "", heading), list];
    });
    const close = element("button", "", "Close");
    close.addEventListener("click", () => this.dialog.close());
    this.dialog.replaceChildren(...groups, close);
    this.dialog.showModal();
  }
}

export default mounted(Shell);

function anchor(event) {
  return event.composedPath().find((node) => node instanceof HTMLAnchorElement && node.href);
}

// Whether the link takes the project of this page along.
function carry(url) {
  const project = new URLSearchParams(location.search).get(PROJECT);
  if (!project || url.searchParams.has(PROJECT)) return false;
  url.searchParams.set(PROJECT, project);
  return true;
}

function split(path) {
  const at = path.lastIndexOf("/") + 1;
  return [path.slice(0, at), path.slice(at)];
}

function main() {
  return document.querySelector('[data-testid="stMain"]');
}
