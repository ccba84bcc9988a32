// Markdown to nodes of our own making: a string, or [tag, children, attributes]. What is written as HTML stays letters,
// a picture is told by its words, and nothing is fetched: a link leads out only when somebody follows it.

const DEEPEST = 12; // quotes and lists within one another; what is deeper stays a paragraph
const PAIRS = { "**": "strong", __: "strong", "~~": "del", "*": "em", _: "em" };
const LINK = /(!?)\[((?:[^[\]\\]|\\.|\[[^[\]]*\])*)\]\(\s*<?([^\s<>()]*(?:\([^\s()]*\)[^\s()]*)*)>?(?:\s+"[^"]*")?\s*\)/y;
const ADDRESS = /<?(https?:\/\/[^\s<>"'`]+)>?/y;

function markdown(text, depth = 0) {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  const nodes = [];
  for (let at = 0; at < lines.length; ) {
    const [node, next] = block(lines, at, depth);
    if (node) nodes.push(node);
    at = next;
  }
  return nodes;
}

function block(lines, at, depth) {
  const line = lines[at];
  if (!line.trim()) return [null, at + 1];
  const fence = /^ {0,3}(```+|~~~+)/.exec(line);
  if (fence) return fenced(lines, at, fence[1]);
  const heading = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/.exec(line);
  if (heading) return [[`h${Math.min(6, heading[1].length + 2)}`, inline(heading[2])], at + 1];
  if (/^ {0,3}([-*_])(\s*\1){2,}\s*$/.test(line)) return [["hr", []], at + 1];
  if (depth < DEEPEST && /^ {0,3}>/.test(line)) return quoted(lines, at, depth);
  if (depth < DEEPEST && marker(line)) return listed(lines, at, depth);
  if (line.includes("|") && ruled(lines[at + 1] ?? "")) return tabled(lines, at);
  return paragraph(lines, at, depth);
}

function fenced(lines, at, fence) {
  let end = at + 1;
  while (end < lines.length && !lines[end].trim().startsWith(fence)) end++;
  return [["pre", [["code", [lines.slice(at + 1, end).join("\n")]]]], end + 1];
}

function quoted(lines, at, depth) {
  let end = at;
  while (end < lines.length && /^ {0,3}>/.test(lines[end])) end++;
  const inner = lines.slice(at, end).map((line) => line.replace(/^ {0,3}> ?/, ""));
  return [["blockquote", markdown(inner.join("\n"), depth + 1)], end];
}

// What begins an item of a list: how far it is indented, where its text begins, its number.
function marker(line) {
  const found = /^( *)([-*+]|(\d{1,9})[.)])( +)(?=\S)/.exec(line);
  return found && { indent: found[1].length, text: found[0].length, number: found[3] };
}

function listed(lines, at, depth) {
  const first = marker(lines[at]);
  const items = [];
  while (at < lines.length) {
    const own = marker(lines[at]);
    if (!own || own.indent !== first.indent || !own.number !== !first.number) break;
    const inner = [lines[at].slice(own.text)];
    at++;
    while (at < lines.length && within(lines, at, own)) inner.push(lines[at++].replace(new RegExp(`^ {0,${own.text}}`), ""));
    const nodes = markdown(inner.join("\n"), depth + 1);
    items.push(["li", nodes.length && nodes[0][0] === "p" ? [...nodes[0][1], ...nodes.slice(1)] : nodes]);
  }
  return [[first.number ? "ol" : "ul", items, first.number ? { start: first.number } : {}], at];
}

// Whether a line belongs to the item: it is indented, or blank before one that is, or goes on with a paragraph.
function within(lines, at, own) {
  const indent = (line) => line.length - line.trimStart().length;
  if (!lines[at].trim()) return Boolean(lines[at + 1]?.trim()) && indent(lines[at + 1]) > own.indent;
  const lazy = !marker(lines[at]) && Boolean(lines[at - 1].trim()) && !/^ {0,3}(#|>|```|~~~)/.test(lines[at]);
  return lazy || indent(lines[at]) > own.indent;
}

function ruled(line) {
  return line.includes("|") && line.includes("-") && /^[\s|:-]*$/.test(line);
}

function cells(line) {
  const told = line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/);
  return told.map((cell) => inline(cell.trim().replaceAll("\\|", "|")));
}

function tabled(lines, at) {
  const row = (line, tag) => ["tr", cells(line).map((cell) => [tag, cell])];
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|")) end++;
  return [["table", [row(lines[at], "th"), ...lines.slice(at + 2, end).map((line) => row(line, "td"))]], end];
}

function paragraph(lines, at, depth) {
  let end = at + 1;
  const begins = /^ {0,3}(#{1,6}\s|```|~~~)/;
  const nested = (line) => depth < DEEPEST && (/^ {0,3}>/.test(line) || marker(line));
  while (end < lines.length && lines[end].trim() && !begins.test(lines[end]) && !nested(lines[end])) end++;
  const text = lines.slice(at, end).map((line) => line.trimStart()).join("\n");
  return [["p", inline(text)], end];
}

// `missing`: marks that close nowhere after here, so that each is sought once.
function inline(text, depth = 0) {
  const nodes = [];
  const missing = new Set();
  let plain = "";
  for (let at = 0; at < text.length; ) {
    const found = depth < DEEPEST && piece(text, at, depth, missing);
    if (!found) {
      plain += text[at++];
      continue;
    }
    if (plain) nodes.push(plain);
    plain = "";
    nodes.push(found[0]);
    at = found[1];
  }
  if (plain) nodes.push(plain);
  return nodes;
}

function piece(text, at, depth, missing) {
  const letter = text[at];
  if (letter === "\\" && /[!-/:-@[-`{-~]/.test(text[at + 1] ?? "")) return [text[at + 1], at + 2];
  if (letter === "\n") return [/( {2}|\\)$/.test(text.slice(Math.max(0, at - 2), at)) ? ["br", []] : " ", at + 1];
  if (letter === "`") return coded(text, at, missing);
  if (letter === "[" || letter === "!") return linked(text, at, depth);
  if (letter === "<" || (letter === "h" && !/\w/.test(text[at - 1] ?? ""))) return addressed(text, at);
  return paired(text, at, depth, missing);
}

function coded(text, at, missing) {
  const mark = /^`+/.exec(text.slice(at, at + 20))[0];
  const end = missing.has(mark) ? -1 : text.indexOf(mark, at + mark.length);
  if (end < 0) missing.add(mark);
  if (end < 0) return [mark, at + mark.length];
  return [["code", [text.slice(at + mark.length, end).replaceAll("\n", " ")]], end + mark.length];
}

function linked(text, at, depth) {
  LINK.lastIndex = at;
  const found = LINK.exec(text);
  if (!found) return null;
  const [whole, picture, words, address] = found;
  const end = at + whole.length;
  if (picture) return [["em", [`[picture: ${words || address}]`]], end];
  const inner = inline(words, depth + 1);
  return [/^(https?:\/\/|mailto:)/i.test(address) ? ["a", inner, { href: address }] : ["span", inner], end];
}

function addressed(text, at) {
  ADDRESS.lastIndex = at;
  const found = ADDRESS.exec(text);
  if (!found) return null;
  const closed = found[0].startsWith("<") && found[0].endsWith(">");
  if (found[0].startsWith("<") && !closed) return null;
  const address = closed ? found[1] : found[1].replace(/[.,;:!?)\]*_~]+$/, "");
  return [["a", [address], { href: address }], closed ? at + found[0].length : at + address.length];
}

function paired(text, at, depth, missing) {
  const mark = [text.slice(at, at + 2), text[at]].find((one) => Object.hasOwn(PAIRS, one));
  if (!mark || missing.has(mark) || /\s/.test(text[at + mark.length] ?? " ")) return null;
  if (mark[0] === "_" && /\w/.test(text[at - 1] ?? "")) return null;
  let end = at + mark.length;
  do end = text.indexOf(mark, end + 1);
  while (end > 0 && !closes(text, end, mark));
  if (end < 0) missing.add(mark);
  return end < 0 ? null : [[PAIRS[mark], inline(text.slice(at + mark.length, end), depth + 1)], end + mark.length];
}

function closes(text, end, mark) {
  if (/\s/.test(text[end - 1])) return false;
  if (text[end + mark.length] === mark[0]) return false;
  if (mark.length === 1 && text[end - 1] === mark) return false;
  return mark[0] !== "_" || !/\w/.test(text[end + mark.length] ?? "");
}

// The nodes on the page.
function drawn(nodes) {
  return nodes.map((node) => {
    if (typeof node === "string") return document.createTextNode(node);
    const [tag, children, attributes] = node;
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes ?? {})) made.setAttribute(name, value);
    if (tag === "a") Object.assign(made, { target: "_blank", rel: "noopener noreferrer" });
    made.append(...drawn(children));
    return made;
  });
}
