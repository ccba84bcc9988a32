r"""The grammar of a line.

    line      = either
    either    = each { "or" each }
    each      = term { ["and"] term }
    term      = ("not" | "-") term | "(" either ")" | "{" either "}" | condition | text
    condition = field operator value { "," value } | ("has" | "no") ":" field
    operator  = ":" | "=" | "!=" | ">" | ">=" | "<" | "<="
    text      = word | quoted

Braces hold of one span, and stand in no others. Within them names are those of spans. A condition on a span that stands
alone, and a text, are met by any span of the trace. `*` in a value, out of quotes, is any text: `*"rate limit"*`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from store.finding import fields
from store.finding.errors import AskedError
from store.finding.fields import Field
from store.finding.scanner import Piece, Scanner
from store.finding.tree import All, Any, Has, Meets, Node, Not, Operator, Says, Spans
from store.finding.values import value_of

LONGEST = 2_000  # characters
DEEPEST = 20  # brackets within brackets
MOST = 60  # conditions
_JOINING = ("or", "and")


def parse(line: str) -> Node | None:
    """The tree of a line; null: it asks for nothing.

    Raises:
        AskedError: it follows no rule; says which, where, and what may stand there.
    """
    if len(line) > LONGEST:
        raise AskedError(f"The line has {len(line):,} characters; it may have {LONGEST:,}.", LONGEST)
    reader = _Reader(Scanner(line))
    reader.scanner.skip()
    return reader.whole() if reader.scanner.here else None


class _Reader:
    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner
        self.within = False  # in braces
        self.depth = self.count = 0

    def whole(self) -> Node:
        tree = self.either()
        if self.scanner.here:
            closing = self.scanner.here
            opening = {")": "(", "}": "{"}[closing]
            raise AskedError(f"{closing!r} closes nothing: there is no {opening!r} before it.", self.scanner.at)
        return tree

    def either(self) -> Node:
        parts = [self.each()]
        while self._word("or"):
            parts.append(self.each())
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def each(self) -> Node:
        parts = [self.term()]
        while True:
            joined = self._word("and")
            self.scanner.skip()
            if not joined and (self.scanner.here in {"", ")", "}"} or self._stands("or")):
                return parts[0] if len(parts) == 1 else All(tuple(parts))
            parts.append(self.term())

    def term(self) -> Node:
        self.scanner.skip()
        at = self.scanner.at
        self._counted(at)
        if self._word("not"):
            return Not(self._deeper(self.term, at))
        if self.scanner.take("-"):
            if not self.scanner.here.strip():
                raise AskedError("'-' stands right before what it leaves out, such as -status:ok.", at)
            return Not(self._deeper(self.term, at))
        if self.scanner.take("("):
            return self._closed(self._deeper(self.either, at), "(", ")", at)
        if self.scanner.take("{"):
            return self._braces(at)
        return self._condition()

    def _counted(self, at: int) -> None:
        self.count += 1
        if self.count > MOST:
            raise AskedError(f"A line may have {MOST} conditions; this has more.", at)

    def _stands(self, word: str) -> bool:
        """Whether this word stands next, and is not the name of something."""
        self.scanner.skip()
        after = self.scanner.line[self.scanner.at + len(word) :][:1]
        return self.scanner.ahead() == word and (not after or after.isspace() or after in '({)}"')

    def _word(self, word: str) -> bool:
        """Go past this word if it stands next."""
        stands = self._stands(word)
        self.scanner.at += len(word) if stands else 0
        return stands

    def _deeper(self, read: Callable[[], Node], at: int) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise AskedError(f"Brackets stand {DEEPEST} deep at most.", at)
        found = read()
        self.depth -= 1
        return found

    def _closed(self, tree: Node, opening: str, closing: str, at: int) -> Node:
        self.scanner.skip()
        if not self.scanner.take(closing):
            raise AskedError(f"{opening!r} is not closed. Write {closing!r} where it ends.", at)
        return tree

    def _braces(self, at: int) -> Node:
        if self.within:
            raise AskedError("Braces hold of one span, so none stand within braces. Use ( ) to group.", at)
        self.within = True
        tree = self._closed(self._deeper(self.either, at), "{", "}", at)
        self.within = False
        return Spans(tree, at, self.scanner.at - at)

    def _condition(self) -> Node:
        begun = self.scanner.at
        if self.scanner.here == '"':
            return self._text(self.scanner.quoted())
        name = self.scanner.name()
        if not name.text:
            raise self._missing(begun)
        at = self.scanner.at
        operator = self.scanner.operator()
        if operator is None and name.text.lower() in _JOINING:
            raise AskedError(f"A condition is missing before {name.text!r}.", name.at, len(name.text))
        if operator is None:
            return self._text(name)
        if name.text in fields.FLAGS:
            return self._flag(name, operator, at)
        return self._test(name, operator, at)

    def _missing(self, at: int) -> AskedError:
        here = self.scanner.here
        if not here or here in ")}":
            return AskedError("A condition is missing here, such as model:gpt-4o, duration>2s or a word.", at)
        operator = self.scanner.operator() or here
        return AskedError(f"{operator!r} has no field before it. Write one, such as model:gpt-4o.", at, len(operator))

    def _text(self, piece: Piece) -> Node:
        text = piece.text if piece.quoted else piece.text.strip("*")  # which say nothing around a text that is a part
        if not text.strip():
            raise AskedError("The text to look for is empty.", piece.at, piece.end - piece.at)
        return self._of_span(Says(text, piece.at, piece.end - piece.at))

    def _of_span(self, leaf: Meets | Has | Says) -> Node:
        return leaf if self.within else Spans(leaf, leaf.at, leaf.length)

    def _test(self, name: Piece, operator: str, at: int) -> Node:
        field, key = self._field(name)
        if operator not in {":", "=", "!="} and field.kind in {"text", "words", "id"}:
            message = f"{name.text} takes : and !=, not {operator!r}. For any text write {name.text}:*part*."
            raise AskedError(message, at, len(operator))
        plain = cast("Operator", ":" if operator in {"=", "!="} else operator)
        pieces = self._values(name, operator)
        if plain != ":" and len(pieces) > 1:
            raise AskedError(f"{operator!r} takes one value; several stand after ':' alone.", pieces[1].at)
        values = tuple(value_of(field, plain, piece) for piece in pieces)
        test = Meets(field, plain, values, key, name.at, self.scanner.at - name.at)
        leaf = self._of_span(test) if field.of_span else test
        return Not(leaf) if operator == "!=" else leaf

    def _values(self, name: Piece, operator: str) -> list[Piece]:
        found = []
        while True:
            piece = self.scanner.value()
            if not piece.text and not piece.quoted:
                raise AskedError(f"A value is missing after {name.text}{operator}", name.at, self.scanner.at - name.at)
            found.append(piece)
            if not self.scanner.take(","):
                return found

    def _flag(self, name: Piece, operator: str, at: int) -> Node:
        if operator not in {":", "="}:
            raise AskedError(f"{name.text!r} takes ':' and a field, such as has:error.", at, len(operator))
        piece = self.scanner.name()
        if not piece.text:
            message = f"A field is missing after {name.text}:, such as {name.text}:user."
            raise AskedError(message, name.at, self.scanner.at - name.at)
        field, key = self._field(piece, flagged=True)
        has = Has(field, key, name.at, self.scanner.at - name.at)
        leaf = self._of_span(has) if field.of_span else has
        return Not(leaf) if name.text == "no" else leaf

    def _field(self, name: Piece, *, flagged: bool = False) -> tuple[Field, str]:
        found = fields.found(name.text, within=self.within)
        if found is None and flagged and name.text == "score" and not self.within:
            found = (fields.SCORE, "")
        if found is None or (found[0].kind == "score" and not found[1] and not flagged):
            raise self._unknown(name)
        return found

    def _unknown(self, name: Piece) -> AskedError:
        text, length = name.text, name.end - name.at
        if text.rstrip(".") in fields.KEYED:
            head = text.rstrip(".")
            return AskedError(f"{head} goes on with a name, such as {_NAMED[head]}.", name.at, length)
        if self.within and (text in fields.OF_TRACE or text.startswith("score.")):
            return AskedError(
                f"{text} is told by the trace, not by a span: write it outside of the braces.", name.at, length
            )
        close = fields.nearest(text, within=self.within)
        hint = f" Did you mean {close}?" if close else f" Fields: {', '.join(fields.known(within=self.within))}."
        shown = text if len(text) <= 60 else f"{text[:59]}…"
        message = f"There is no field {shown!r}.{hint} To look for it as text, put it in quotes."
        return AskedError(message, name.at, length)


_NAMED = {"attr": "attr.http.route:/chat", "score": "score.correct<0.5"}
