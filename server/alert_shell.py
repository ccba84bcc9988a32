"""What `assay alerts` and `assay channels` read and say."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from server.when import told_time

Row = dict[str, Any]


class SecretFileError(Exception):
    """A file that was to hold an address or a key does not."""


def row(alert: Mapping[str, Any]) -> Row:
    """An alert as a row of a table."""
    return {
        "number": str(alert["number"]), "state": _state(alert), "severity": alert["severity"],
        "monitor": alert["monitor"], "opened": told_time(alert["opened_at"]), "cause": alert["cause_text"],
        "owner": alert["owner"] or "", "verdict": alert["verdict"],
    }  # fmt: skip


def _state(alert: Mapping[str, Any]) -> str:
    until = alert["snoozed_until"]
    return f"{alert['state']}, snoozed until {told_time(until)}" if until else str(alert["state"])


def summary(found: Mapping[str, Any]) -> str:
    """How many there are beyond those that are shown."""
    shown = len(found["alerts"])
    told = f"{found['open']} open."
    return f"{told} {shown} of {found['total']} shown; --limit shows more." if found["cut"] else told


def sentences(alert: Mapping[str, Any]) -> list[str]:
    """An alert, line by line."""
    what = f"Alert {alert['number']} of monitor {alert['monitor']} (version {alert['version']}), {alert['severity']}"
    lines = [
        f"{what}: {_state(alert)}.",
        alert["verdict"],
        f"Opened {told_time(alert['opened_at'])}, cause: {alert['cause_text']}, owner: {alert['owner'] or 'nobody'}.",
    ]
    if alert["changed_since"]:
        reach = ""
        if alert["since_low"] and alert["since_high"]:
            reach = f", 95 % interval {told_time(alert['since_low'])} to {told_time(alert['since_high'])}"
        lines.insert(2, f"Changed about {told_time(alert['changed_since'])}{reach}.")
    if alert["resolved_at"]:
        lines.append(f"Resolved {told_time(alert['resolved_at'])} by {alert['resolved_by'] or 'itself'}.")
    if alert["note"]:
        lines += ["", "Note:", alert["note"]]
    return lines


def event_row(event: Mapping[str, Any]) -> Row:
    return {
        "at": told_time(event["at"]), "event": event["event"], "author": event["author"] or "the monitor",
        "text": event["text"] or "",
    }  # fmt: skip


def delivery_row(delivery: Mapping[str, Any]) -> Row:
    """A delivery as a row of a table."""
    last = delivery["last"] or {}
    return {
        "delivery": delivery["delivery_id"], "created": told_time(delivery["created_at"]),
        "channel": delivery["channel"], "alert": "" if delivery["number"] is None else str(delivery["number"]),
        "event": delivery["event"], "state": delivery["state"], "tries": delivery["tries"],
        "next try": told_time(delivery["next_try_at"]), "last": last.get("detail") or last.get("outcome") or "",
    }  # fmt: skip


def channel_row(channel: Mapping[str, Any]) -> Row:
    """A channel as a row of a table."""
    last = channel["last"] or {}
    return {
        "name": channel["name"], "kind": channel["kind"], "address": channel["shown"],
        "severities": ", ".join(channel["severities"]), "events": ", ".join(channel["events"]),
        "waiting": channel["waiting"], "last try": last.get("outcome") or "none",
    }  # fmt: skip


def channel_sentence(channel: Mapping[str, Any]) -> str:
    """What a channel is told, and where."""
    name, signed = channel["name"], "; signed" if channel["signed"] else ""
    told = f"Channel {name} is told of {_and(channel['severities'])} alerts that are {_and(channel['events'])}, by "
    return f"{told}{channel['shown']}{signed}. `assay channels test {name}` tries it out."


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def outcome(name: str, done: Mapping[str, Any]) -> str:
    """What became of a test message."""
    told = f"Channel {name}: {done['outcome']} after {done['took_ms']:,.0f} ms."
    return f"{told} {done['detail']}" if done["detail"] else told


def first_line(file: Path, what: str) -> str:
    """A secret from a file, `-` for standard input: arguments of commands are seen by everybody on the machine.

    Raises:
        SecretFileError: it cannot be read, or is empty.
    """
    try:
        text = sys.stdin.readline() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretFileError(f"{file}, which is to hold {what}, cannot be read: {error}.") from error
    lines = text.strip().splitlines()
    if not lines:
        raise SecretFileError(f"{file} is empty. Write {what} into its first line.")
    return lines[0].strip()


def new_key() -> str:
    """A key to sign with, that nobody guesses."""
    return secrets.token_urlsafe(32)
