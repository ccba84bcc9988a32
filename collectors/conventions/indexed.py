"""Families of attributes `prefix.N.rest` back to lists: messages, tools, documents, texts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from collectors.conventions.shapes import Message, to_message
from collectors.conventions.values import Json, is_redacted, number, parse
from collectors.conventions.view import View

MAX_PARTS = 12  # of a key: no convention nests deeper


def lists(view: View, family: str) -> list[Json]:
    """The items of the family's best prefix as nested JSON, in order of their numbers; gaps close up."""
    slots = view.slots(family)
    if not slots:
        return []
    best = slots[0][0]
    tree: dict[str, Any] = {}
    for rank, key, rest in slots:
        value = view.attributes[key]
        if rank != best or value is None:
            continue
        if is_redacted(value):
            view.note("content_redacted")
            continue
        _insert(tree, rest.split(".", MAX_PARTS), value)
    items = _listed(tree)
    return items if isinstance(items, list) else []


def _insert(tree: dict[str, Any], path: list[str], value: str) -> None:
    for name in path[:-1]:
        held = tree.get(name)
        if not isinstance(held, dict):
            held = tree[name] = {} if held is None else {"": held}
        tree = held
    if isinstance(tree.get(path[-1]), dict):
        tree[path[-1]][""] = value
    else:
        tree[path[-1]] = value


def _listed(node: Any) -> Json:
    if not isinstance(node, dict):
        return node
    if node and all(name.isdecimal() for name in node):
        return [_listed(node[name]) for name in sorted(node, key=lambda name: (len(name), name))]
    return {name: _listed(held) for name, held in node.items()}


def messages(view: View, family: str) -> list[Message]:
    """Canonical messages of an indexed family; empty when it has none."""
    side = "input" if family == "input_indexed" else "output"
    found = []
    for item in lists(view, family):
        held = item.get("message", item) if isinstance(item, dict) else {"content": item}
        if isinstance(held, dict):
            message = to_message(_without_twins(held), side)
            if message["parts"] or message.get("finish_reason"):
                found.append(message)
    return found


def _without_twins(message: dict[str, Json]) -> dict[str, Json]:
    """OpenInference may tell text and tool calls twice, as `content` and within `contents`: the fuller list stays."""
    contents = message.get("contents")
    if not isinstance(contents, list):
        return message
    kept = {key: value for key, value in message.items() if key != "content"}
    if any(isinstance(part, dict) and "tool_call" in part for part in contents):
        kept.pop("tool_calls", None)
    return kept


def tools(view: View) -> list[Json]:
    """Tool definitions of an indexed family, JSON schemas opened."""
    found = []
    for item in lists(view, "tools_indexed"):
        schema = item.get("tool", item) if isinstance(item, dict) else item
        schema = schema.get("json_schema", schema) if isinstance(schema, dict) else schema
        if isinstance(schema, dict):
            schema = {name: _opened(value) if name == "parameters" else value for name, value in schema.items()}
        found.append(_opened(schema))
    return found


def _opened(value: Json) -> Json:
    if isinstance(value, str):
        parsed = parse(value)
        return value if parsed is None else parsed
    return value


def texts(view: View) -> list[str]:
    """Texts that were embedded."""
    return [text for item in lists(view, "texts_indexed") if (text := _embedded(item))]


def _embedded(item: Json) -> str | None:
    held = item.get("embedding", item) if isinstance(item, dict) else None
    text = held.get("text") if isinstance(held, dict) else None
    return text if isinstance(text, str) else None


def documents(items: Iterable[Json]) -> list[dict[str, Json]]:
    """Documents of any library as {rank, id, text, score, metadata}; rank counts from 1 in the order given."""
    found: list[dict[str, Json]] = []
    for item in items:
        document = _document(item, len(found) + 1)
        if document:
            found.append(document)
    return found


def _document(item: Json, rank: int) -> dict[str, Json] | None:
    if isinstance(item, str):
        return {"rank": rank, "id": None, "text": item, "score": None, "metadata": None}
    if isinstance(item, list) and item and isinstance(item[0], dict):  # LangChain: [document, score]
        item = {**item[0], "score": item[1] if len(item) > 1 else None}
    if not isinstance(item, dict):
        return None
    for wrapper in ("document", "node", "kwargs"):
        held = item.get(wrapper)
        if isinstance(held, dict):
            item = {**held, **({"score": item["score"]} if "score" in item else {})}
    read = {
        "id": _member(item, "id", "id_", "document_id", "doc_id"),
        "text": _member(item, "content", "page_content", "text", "pageContent", "document"),
        "score": number(_member(item, "score", "relevance_score", "distance")),
        "metadata": _opened(_member(item, "metadata", "meta")),
    }
    return {"rank": rank, **read} if read["id"] is not None or read["text"] is not None else None


def _member(item: dict[str, Json], *names: str) -> Json:
    return next((item[name] for name in names if item.get(name) is not None), None)
