"""What the labelling page works out in the browser: Markdown, differences, offsets, what is still to be told."""

from __future__ import annotations

import difflib
import json
import random
import re
import subprocess
from typing import Any

import pytest
from markdown_it import MarkdownIt
from playwright._impl._driver import compute_driver_executable

from app import labelling_desk
from app.component import script

TAGS = {
    "h3", "h4", "h5", "h6", "p", "pre", "code", "blockquote", "ul", "ol", "li", "table", "tr", "th", "td", "hr", "br",
    "strong", "em", "del", "a", "span",
}  # fmt: skip
STORAGE = """const kept = {};
const localStorage = {
  getItem: (name) => kept[name] ?? null, setItem: (name, text) => (kept[name] = text),
  removeItem: (name) => delete kept[name],
};"""
ADDRESSES = re.compile(r"(https?://|mailto:)", re.IGNORECASE)


def run(code: str, told: Any = None) -> Any:
    """What `code` returns, a function's body over `told` and the component's scripts, in the Node of Playwright."""
    whole = script("labelling", labelling_desk.PARTS).replace("export default mounted(Desk);", "")
    read = "JSON.parse(require('fs').readFileSync(0, 'utf8'))"
    program = f"{STORAGE}\n{whole}\nprocess.stdout.write(JSON.stringify((function (told) {{ {code} }})({read})))"
    node = compute_driver_executable()[0]
    done = subprocess.run(
        [node, "--input-type=commonjs", "-e", program],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def standard() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


PLAIN = {
    "paragraphs": "One\nline.\n\nAnother one.",
    "emphasis": "**bold** and *slanted* and ~~gone~~ and **bold *both***",
    "words-with-underscores": "snake_case_name and _slanted_",
    "code": "Say `a * b` and ``a ` b``.",
    "fence": "```python\na = '<b>'\n\n# no heading\n```\nafter",
    "lists": "- one\n- two\n  1. first\n  2. second\n- three",
    "numbers": "1. one\n2. two\n\ntext",
    "quote": "> said\n> more\n\nno",
    "quoted-list": "> - one\n> - two",
    "escaped": r"\*not slanted\* and 2 \* 3",
    "lone-marks": "2 * 3 * 4 and a_b and ** and [x] and `",
    "html-is-letters": "<script>alert(1)</script> <b onclick='x'>b</b>",
    "rule": "a\n\n---\n\nb",
    "nothing": "",
}


def test_markdown_reads_as_commonmark_does(standard: MarkdownIt) -> None:
    nodes = run("return told.map((text) => markdown(text))", list(PLAIN.values()))
    for (name, text), found in zip(PLAIN.items(), nodes, strict=True):
        wanted = (
            re.sub(r" (start|class)=\"[^\"]*\"", "", standard.render(text))
            .replace("<s>", "<del>")
            .replace("</s>", "</del>")
        )
        wanted = re.sub(r"<(hr|br) />", r"<\1></\1>", wanted)
        assert flat(html(found)) == flat(wanted), name


def html(nodes: list[Any]) -> str:
    escape = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
    return "".join(
        "".join(escape.get(letter, letter) for letter in node)
        if isinstance(node, str)
        else f"<{node[0]}>{html(node[1])}</{node[0]}>"
        for node in nodes
    )


def flat(told: str) -> str:
    """Without the line ends that stand between tags, and of paragraphs."""
    told = told.replace("\n</code></pre>", "</code></pre>")
    return re.sub(r"\s*(</?(?:p|ul|ol|li|pre|blockquote|hr|h\d)>)\s*", r"\1", re.sub(r"\s+", " ", told)).strip()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("![a cat](http://x.test/c.png)", ["em", ["[picture: a cat]"]], id="a-picture-is-not-fetched"),
        pytest.param("[go](javascript:alert(1))", ["span", ["go"]], id="a-script-is-no-link"),
        pytest.param("[go](data:text/html,x)", ["span", ["go"]], id="data-is-no-link"),
        pytest.param("<https://x.test/a>", ["a", ["https://x.test/a"], {"href": "https://x.test/a"}], id="a-link"),
        pytest.param("https://x.test/a.", ["a", ["https://x.test/a"], {"href": "https://x.test/a"}], id="an-address"),
    ],
)
def test_markdown_fetches_and_runs_nothing(text: str, wanted: list[Any]) -> None:
    assert run("return markdown(told)[0][1][0]", text) == wanted


def test_markdown_of_anything_has_tags_and_addresses_of_ours_alone() -> None:
    chance = random.Random(7)
    letters = [
        "*",
        "_",
        "`",
        "[",
        "]",
        "(",
        ")",
        "!",
        "<",
        ">",
        "#",
        "-",
        "|",
        "\n",
        "\n\n",
        " ",
        "a",
        "1.",
        "http://x",
        "javascript:",
        "\\",
        "~~",
    ]
    texts = ["".join(chance.choices(letters, k=chance.randint(1, 60))) for _ in range(600)]
    long = [
        "*" * 20_000,
        "[" * 20_000,
        "`a" * 10_000,
        "> " * 5_000 + "x",
        "- " * 5_000 + "x",
        "**a " * 5_000,
        "|" * 20_000 + "\n-|",
    ]
    for nodes in run("return told.map((text) => markdown(text))", texts + long):
        check(nodes)


def check(nodes: list[Any]) -> None:
    for node in nodes:
        if isinstance(node, str):
            continue
        tag, children, *attributes = node
        told = attributes[0] if attributes else {}
        assert tag in TAGS
        assert set(told) <= {"href", "start"}
        assert all(ADDRESSES.match(told[name]) for name in told if name == "href")
        check(children)


def test_a_difference_makes_both_texts_and_is_no_longer_than_that_of_difflib() -> None:
    chance = random.Random(11)
    words = ["the", "answer", "is", "three", "days", "שלום", "👩‍👩‍👧"]
    pairs = [[" ".join(chance.choices(words, k=chance.randint(0, 40))) for _ in range(2)] for _ in range(300)]
    pairs += [["", ""], ["same", "same"], ["", "new"], ["gone", ""], ["a " * 3000, "b " * 3000]]
    for (before, after), steps in zip(
        pairs, run("return told.map(([one, other]) => difference(one, other))", pairs), strict=True
    ):
        assert "".join(step["text"] for step in steps if step["kind"] != "new") == before
        assert "".join(step["text"] for step in steps if step["kind"] != "gone") == after
        if len(before) < 1000:
            same = sum(len(pieces(step["text"])) for step in steps if step["kind"] == "same")
            blocks = difflib.SequenceMatcher(None, pieces(before), pieces(after), autojunk=False).get_matching_blocks()
            assert same >= sum(block.size for block in blocks)


def pieces(text: str) -> list[str]:
    return re.findall(r" |[^ ]+", text)


@pytest.mark.parametrize("text", ["plain", "a😀b", "👩‍👩‍👧 family", "עברית", "e\u0301 and \U0001d4b3\U0001d4b4", ""])
def test_offsets_are_counted_in_code_points(text: str) -> None:
    utf16 = [len(text[:place].encode("utf-16-le")) // 2 for place in range(len(text) + 1)]
    assert run("return told[1].map((place) => points(told[0], place))", [text, utf16]) == list(range(len(text) + 1))
    assert run("return told[1].map((place) => units(told[0], place))", [text, list(range(len(text) + 1))]) == utf16


def test_what_is_told_is_told_until_it_is_answered() -> None:
    code = """
      const told_ = []; const box = new Outbox('name', (ops) => told_.push(ops.map(({ op }) => op)));
      box.add({ op: 'draft', number: 1, answers: { a: 1 } });
      box.add({ op: 'draft', number: 1, answers: { a: 2 } });
      const first = box.add({ op: 'save', number: 1, answers: { a: 2 } });
      box.add({ op: 'undo' });
      box.add({ op: 'draft', number: 2, answers: { a: 3 } });
      box.send(); box.close();
      const again = new Outbox('name', () => {}).ops.map(({ op, number }) => [op, number]);
      const done = box.settle({ [first]: { number: 1 }, other: {} }).map(([{ op }]) => op);
      const left = box.ops.map(({ op }) => op);
      return { told: told_, again, done, left, unsaved: box.unsaved, draft: box.of(2, 'draft').answers };
    """
    assert run(code) == {
        "told": [["save", "undo", "draft"]], "again": [["save", 1], ["draft", 2]], "done": ["save"],
        "left": ["undo", "draft"], "unsaved": 0, "draft": {"a": 3},
    }  # fmt: skip
