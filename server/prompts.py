"""Prompts: what a version says and how that is checked, filled in and answered with.

The template language is that of suites (`evaluators.targets.templates`), with variables of any name.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from duckdb import DuckDBPyConnection
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from evaluators.errors import EvaluatorError
from store import prompt_versions as store

MOST_LETTERS = 200_000  # of all texts of a version
MOST_JSON = 200_000  # letters of parameters and tools as JSON
MOST_NAME, MOST_NOTE, MOST_TAGS = 200, 2_000, 20
LATEST = store.LATEST
Json = dict[str, Any]

NAME_RULE = (
    "A name has 1 to 200 letters, digits and - _ . in parts that slashes part, such as support/answer; each part "
    "begins with a letter or digit, and none ends in .yaml or .yml."
)
LABEL_RULE = "A label has 1 to 50 letters, digits and - _ . and begins with a letter."
TAG_RULE = "A tag has 1 to 50 letters, digits and - _ . : /"
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_NAME = re.compile(rf"{_PART}(?:/{_PART})*")
_FILE = re.compile(r"\.ya?ml(?:/|$)", re.IGNORECASE)  # a prompt of this name would stand in the way of another's file
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,49}")
_TAG = re.compile(r"[A-Za-z0-9._:/-]{1,50}")
_LINE = re.compile(r" \(line (\d+) of the text\)$")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # control characters but tab and newline


class PromptError(EvaluatorError):
    """A prompt that cannot be as it is told."""


class UnknownPromptError(PromptError):
    """There is no such prompt, label or version."""


def check_name(name: str) -> str:
    """The name. Raises PromptError, which tells the rule."""
    if len(name) > MOST_NAME or not _NAME.fullmatch(name) or _FILE.search(name):
        raise PromptError(f"{name[:MOST_NAME]!r} cannot name a prompt. {NAME_RULE}")
    return name


def check_label(label: str) -> str:
    """The label, as one that can be moved. Raises PromptError, which tells the rule."""
    if label.lower() == LATEST:
        raise PromptError(f"The label {LATEST!r} is always the newest version: it cannot be moved or removed.")
    if not _LABEL.fullmatch(label):
        raise PromptError(f"{label[:60]!r} cannot be a label. {LABEL_RULE}")
    return label


def check_tags(tags: list[str]) -> tuple[str, ...]:
    """The tags as they are kept. Raises PromptError, which tells the rule."""
    wrong = next((tag for tag in tags if not _TAG.fullmatch(tag)), None)
    if wrong is not None:
        raise PromptError(f"{wrong[:60]!r} cannot be a tag. {TAG_RULE}")
    if len(tags) > MOST_TAGS:
        raise PromptError(f"A prompt has {MOST_TAGS} tags at most, and these are {len(tags)}.")
    return store.tagged(tags)


def _text(value: str) -> str:
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    if found := _UNSEEN.search(value):
        line = value.count("\n", 0, found.start()) + 1
        raise ValueError(f"it holds the control character {found[0]!r} (line {line} of the text)")
    return value


def _template(value: str) -> str:
    from evaluators.targets.templates import Template  # noqa: PLC0415 - loads jinja2

    value = _text(value)
    Template(value, names=None)
    return value


_Text = Annotated[str, Field(max_length=MOST_LETTERS), AfterValidator(_template)]


class Message(BaseModel):
    """One message of a chat."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Literal["system", "user", "assistant"]
    content: Annotated[_Text, Field(description="A template: {{ name }} is filled in.")]


class Content(BaseModel):
    """What one version of a prompt says: a text, or messages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: _Text | None = Field(None, description="Of a prompt that is one text; a template: {{ name }} is filled in.")
    messages: tuple[Message, ...] | None = Field(None, max_length=100, description="Of a chat.")
    model: str | None = Field(None, min_length=1, max_length=200, description="That it was written for; null: any.")
    parameters: Mapping[str, JsonValue] = Field(
        default_factory=dict, description="As the provider names them: temperature, max_tokens."
    )
    tools: tuple[Mapping[str, JsonValue], ...] = Field(
        (), max_length=200, description="As they are sent to the provider."
    )

    @model_validator(mode="after")
    def _whole(self) -> Content:
        if (self.text is None) == (self.messages is None):
            raise ValueError("a prompt has a text, or messages: one of them")
        if not any(text.strip() for text in self.texts):
            raise ValueError("it says nothing: write a text")
        if (letters := sum(map(len, self.texts))) > MOST_LETTERS:
            raise ValueError(f"its messages have {letters:,} letters; {MOST_LETTERS:,} are the most")
        try:
            written = json.dumps([self.parameters, self.tools], default=dict, allow_nan=False)
        except ValueError as error:
            raise ValueError("parameters and tools hold a number that JSON has no form of") from error
        if len(written) > MOST_JSON:
            raise ValueError(f"parameters and tools are longer than {MOST_JSON:,} letters of JSON")
        return self

    @property
    def kind(self) -> Literal["text", "chat"]:
        return "chat" if self.text is None else "text"

    @property
    def texts(self) -> list[str]:
        """All that is said, in order."""
        return [self.text] if self.text is not None else [one.content for one in self.messages or ()]

    @property
    def variables(self) -> tuple[str, ...]:
        """The names that its templates use, sorted."""
        from evaluators.targets.templates import Template  # noqa: PLC0415 - as above

        return tuple(sorted({name for text in self.texts for name in Template(text, names=None).variables}))

    def told(self) -> Json:
        """As plain values; of text and messages the one that there is."""
        return self.model_dump(mode="json", exclude={"text" if self.text is None else "messages"})

    @property
    def hash(self) -> str:
        """sha256 over all of it, the keys of objects in any order."""
        canonical = json.dumps(self.told(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def new(self, note: str = "", author: str | None = None) -> store.NewVersion:
        """As the store takes it."""
        content = json.dumps(self.told(), ensure_ascii=False, separators=(",", ":"))
        return store.NewVersion(content, "\n".join(self.texts), self.variables, self.hash, self.model, note, author)


@dataclass(frozen=True, slots=True)
class Problem:
    """What of a prompt is wrong."""

    at: str  # `messages.0.content`; empty: all of it
    line: int | None  # of that text; the first is 1
    problem: str

    @property
    def sentence(self) -> str:
        place = f"{self.at}, line {self.line}" if self.line is not None else self.at
        said = self.problem.rstrip(".")
        return f"{place}: {said}." if place else f"{said}."


def content_of(told: Mapping[str, Any]) -> Content:
    """The content. Raises PromptError, which names key, line, value and rule of each problem."""
    try:
        return Content.model_validate(told)
    except ValidationError as error:
        raise PromptError("\n".join(one.sentence for one in _problems(error))) from error


def problems(told: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a content; empty: nothing."""
    try:
        Content.model_validate(told)
    except ValidationError as error:
        return list(_problems(error))
    return []


def _problems(error: ValidationError) -> Iterator[Problem]:
    for fault in error.errors():
        steps = fault["loc"]
        said = str(fault["msg"]).removeprefix("Value error, ")
        line = _LINE.search(said)
        if fault["type"] == "extra_forbidden":
            known = Message.model_fields if "messages" in steps else Content.model_fields
            close = get_close_matches(str(steps[-1]), known, n=1)
            said = "there is no such key" + (f"; did you mean {close[0]!r}?" if close else "")
        elif line is None and fault["type"] not in {"value_error", "missing"}:
            said += f"; got {_got(fault['input'])}"
        yield Problem(".".join(map(str, steps)), line and int(line[1]), _LINE.sub("", said))


def _got(value: object) -> str:
    got = repr(value)
    return got if len(got) <= 80 else f"{got[:80]}…"


def checked(told: Mapping[str, Any]) -> Json:
    """What is wrong with a content, and what it names: `problems`, `variables`, `hash`. Plain, for another process."""
    found = problems(told)
    if found:
        return {"problems": [{"at": one.at, "line": one.line, "problem": one.problem} for one in found],
                "variables": [], "hash": None}  # fmt: skip
    content = content_of(told)
    return {"problems": [], "variables": list(content.variables), "hash": content.hash}


def rendered(told: Mapping[str, Any], values: Mapping[str, Any]) -> Json:
    """`text` or `messages` filled in; else `problem`. Plain values, for another process."""
    from evaluators.targets.answer import TargetError  # noqa: PLC0415 - as above
    from evaluators.targets.templates import Template  # noqa: PLC0415

    content = content_of(told)
    try:
        if content.text is not None:
            return {"text": Template(content.text, "text", names=None).text(values)}
        turns = [
            {"role": one.role, "content": Template(one.content, f"messages.{place}", names=None).text(values)}
            for place, one in enumerate(content.messages or ())
        ]
    except TargetError as error:
        missing = [name for name in content.variables if name not in values]
        hint = f" Variables without a value: {', '.join(missing)}." if missing else ""
        return {"problem": error.reason.replace("the item has no", "there is no value of") + hint}
    return {"messages": turns}


def version_row(one: store.StoredVersion, label: str | None = None) -> Json:
    """A version with all that it says; the fields stand at `GET /api/prompts/{name}`."""
    content: Json = json.loads(one.content)
    return {
        "name": one.name, "version": one.version, "label": label, "type": "text" if "text" in content else "chat",
        **content, "variables": one.variables, "hash": one.hash, "note": one.note, "author": one.author,
        "set_at": one.set_at,
    }  # fmt: skip


def resolved(  # noqa: PLR0917 - a question
    cursor: DuckDBPyConnection, project_id: int, project: str, name: str, label: str, number: int | None
) -> store.StoredVersion:
    """The version of a number, or that a label names. Raises UnknownPromptError, which names what there is."""
    if number is not None:
        found = store.version(cursor, project_id, name, number)
        if found is None:
            newest = store.version(cursor, project_id, name)
            if newest is None:
                raise unknown(cursor, project_id, project, name)
            raise UnknownPromptError(f"The prompt {name!r} has no version {number}; its newest is {newest.version}.")
        return found
    state = store.state(cursor, project_id, name)
    if state is None:
        raise unknown(cursor, project_id, project, name)
    if state.away:
        raise UnknownPromptError(
            f"The prompt {name!r} was deleted, so that no label names a version of it. Ask for a version by its number."
        )
    labels = store.labels(cursor, project_id, name)
    if label != LATEST and label not in labels:
        there = ", ".join((LATEST, *labels))
        raise UnknownPromptError(f"The prompt {name!r} has no label {label!r}; it has: {there}.")
    found = store.version(cursor, project_id, name, None if label == LATEST else labels[label].version)
    assert found is not None  # noqa: S101 - labels name versions that there are
    return found


def unknown(cursor: DuckDBPyConnection, project_id: int, project: str, name: str) -> UnknownPromptError:
    """That there is no such prompt, with the nearest name."""
    close = get_close_matches(name, [one.name for one in store.prompts(cursor, project_id)], n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return UnknownPromptError(f"Project {project!r} has no prompt {name!r}.{hint} `assay prompts list` lists them.")
