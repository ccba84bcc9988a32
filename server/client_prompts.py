"""What the client asks of prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from server.client_base import ClientBase, Json

LONG_S = 600.0


class PromptsClient(ClientBase):
    """Prompts, as a part of `server.client.Client`."""

    def prompts(self, text: str | None = None, tag: str | None = None, label: str | None = None) -> list[Json]:
        """The prompts by name, of those asked for; see `GET /api/prompts` for the fields."""
        found: list[Json] = self._json("/api/prompts", {"text": text, "tag": tag, "label": label})
        return found

    def prompt(self, name: str, label: str | None = None, version: int | None = None) -> Json:
        """One version of a prompt; neither label nor version: the newest. See `GET /api/prompts/{name}`.

        Raises:
            ApiError: `refused` with status 404 when there is none; says what there is.
        """
        found: Json = self._json(_at("prompts", name), {"label": label, "version": version})
        return found

    def set_prompt(self, name: str, content: Mapping[str, Any], **more: Any) -> Json:
        """Set what a prompt says: `name`, `version`, `new`. `more`: see `PUT /api/prompts/{name}`.

        Raises:
            ApiError: `refused`, naming key, line, value and rule; 409: a label is protected, or it has changed.
        """
        body = {"content": dict(content), **more}
        found: Json = self._send("PUT", _at("prompts", name), {}, body=body, timeout_s=LONG_S).json()
        return found

    def forget_prompt(self, name: str, confirm: str | None = None, author: str | None = None) -> None:
        """Take a prompt from the lists; its versions stay. `confirm`: its name, where a label is protected."""
        self._send("DELETE", _at("prompts", name), {"confirm": confirm, "author": author})

    def prompt_versions(self, name: str) -> Json:
        """Its versions, labels, tags and the history of its labels; see `GET /api/prompt-versions/{name}`."""
        found: Json = self._json(_at("prompt-versions", name))
        return found

    def prompt_diff(self, name: str, older: int, newer: int) -> Json:
        """What differs between two versions; see `GET /api/prompt-diff/{name}`."""
        found: Json = self._json(_at("prompt-diff", name), {"older": older, "newer": newer})
        return found

    def prompt_draft_diff(self, name: str, content: Mapping[str, Any], older: int | None = None) -> Json:
        """What a content would change of a version, null: of the newest; see `POST /api/prompt-diff/{name}`."""
        body = {"content": dict(content), "older": older}
        found: Json = self._send("POST", _at("prompt-diff", name), {}, body=body).json()
        return found

    def move_label(self, name: str, label: str, version: int, **more: Any) -> Json:
        """Let a label name a version. `more`: protected, confirm, reason, author."""
        body = {"version": version, **more}
        found: Json = self._send("PUT", _at(f"prompt-labels/{quote(label, safe='')}", name), {}, body=body).json()
        return found

    def remove_label(self, name: str, label: str, **more: Any) -> None:
        """Remove a label. `more`: confirm, reason, author."""
        self._send("DELETE", _at(f"prompt-labels/{quote(label, safe='')}", name), more)

    def check_prompt(self, content: Mapping[str, Any]) -> Json:
        """What is wrong with a content: `problems`; else `variables` and `hash`."""
        found: Json = self._send("POST", "/api/prompt-check", {}, body={"content": dict(content)}).json()
        return found

    def render_prompt(self, name: str, values: Mapping[str, Any], **which: Any) -> Json:
        """A prompt filled in: `text` or `messages`. `which`: label or version."""
        body = {"values": dict(values), **which}
        found: Json = self._send("POST", _at("prompt-render", name), {}, body=body).json()
        return found

    def prompt_templates(self) -> list[Json]:
        """Prompts to begin with: `name`, `note`, `tags`, `content`."""
        found: list[Json] = self._json("/api/prompt-templates")
        return found

    def prompt_files(self, name: str | None = None, label: str | None = None) -> list[Json]:
        """Prompts as files: `path`, `text`, `name`, `version`; all, or one; null for `label`: the newest versions."""
        found: list[Json] = self._json("/api/prompt-files", {"name": name, "label": label})
        return found

    def take_prompt_files(self, files: Sequence[Mapping[str, str]], **more: Any) -> list[Json]:
        """Set the prompts of files (`path`, `text`), all or none. `more`: label, confirm, dry_run, author."""
        body = {"files": [{"path": one["path"], "text": one["text"]} for one in files], **more}
        found: list[Json] = self._send("POST", "/api/prompt-files", {}, body=body, timeout_s=LONG_S).json()
        return found

    def prompt_usage(self, since: datetime, until: datetime, name: str | None = None) -> Json:
        """Traffic by prompt and version: `rows`, `cut`; see `GET /api/prompt-usage`."""
        found: Json = self._json("/api/prompt-usage", {"since": since, "until": until, "name": name})
        return found


def _at(what: str, name: str) -> str:
    return f"/api/{what}/{quote(name, safe='')}"
