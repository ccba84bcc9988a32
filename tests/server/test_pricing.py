"""`assay price`: lines in, the same lines with their cost out, from files and pipes, without server and store."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server.pricing import Tally, price_lines

Command = Callable[..., subprocess.CompletedProcess[str]]
ANTHROPIC = {
    "input_tokens": 100, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200}, "output_tokens": 50,
    "service_tier": "standard",
}  # fmt: skip


def line(**more: Any) -> dict[str, Any]:
    told = {"provider": "openai", "model": "gpt-4o", "timestamp": "2026-11-01T10:00:00Z"}
    return told | {"usage": {"input_tokens": 1000, "output_tokens": 100}} | more


def priced(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return list(price_lines([json.dumps(row).encode() for row in rows], [], Tally()))


# The same call by each provider's own form of usage; by hand, in millionths of a dollar.
FORMS = [
    pytest.param(line(), 1000 * 2.5 + 100 * 10, id="plain"),
    pytest.param(
        line(usage={"input_tokens": 1000, "cache_read_tokens": 400, "output_tokens": 100, "reasoning_tokens": 60}),
        600 * 2.5 + 400 * 1.25 + 100 * 10, id="plain-with-parts",
    ),
    pytest.param(
        line(
            usage={
                "prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100,
                "prompt_tokens_details": {"cached_tokens": 400, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0},
            }
        ),
        600 * 2.5 + 400 * 1.25 + 100 * 10, id="openai-chat",
    ),
    pytest.param(
        line(
            usage={
                "input_tokens": 1000, "input_tokens_details": {"cached_tokens": 400}, "output_tokens": 100,
                "output_tokens_details": {"reasoning_tokens": 64}, "total_tokens": 1100,
            }
        ),
        600 * 2.5 + 400 * 1.25 + 100 * 10, id="openai-responses",
    ),
    pytest.param(
        line(provider="openai", model="gpt-4o-realtime-preview", usage={
            "input_tokens": 100, "output_tokens": 30,
            "input_token_details": {
                "text_tokens": 40, "audio_tokens": 60, "cached_tokens": 30,
                "cached_tokens_details": {"text_tokens": 10, "audio_tokens": 20},
            },
            "output_token_details": {"audio_tokens": 20, "text_tokens": 10},
        }),
        30 * 5 + 10 * 2.5 + 40 * 40 + 20 * 2.5 + 10 * 20 + 20 * 80, id="openai-realtime-cached-audio",
    ),
    pytest.param(
        line(provider="anthropic", model="claude-sonnet-4-5", usage=ANTHROPIC),
        100 * 3 + 1000 * 0.3 + 100 * 3.75 + 200 * 6 + 50 * 15, id="anthropic-input-without-cache",
    ),
    pytest.param(
        line(provider="anthropic", model="claude-opus-4-5", usage=ANTHROPIC | {"service_tier": "batch"}),
        100 * 2.5 + 1000 * 0.25 + 100 * 3.125 + 200 * 5 + 50 * 12.5, id="anthropic-batch-told-by-the-usage",
    ),
    pytest.param(
        line(provider="anthropic", model="claude-haiku-4-5", usage={
            "input_tokens": 10, "output_tokens": 5, "server_tool_use": {"web_search_requests": 2},
        }),
        10 * 1 + 5 * 5 + 2 * 10_000, id="anthropic-searches",
    ),
    pytest.param(
        line(provider="bedrock", model="us.anthropic.claude-sonnet-4-5-20250929-v1:0", usage={
            "inputTokens": 100, "outputTokens": 50, "totalTokens": 1450, "cacheReadInputTokens": 1000,
            "cacheWriteInputTokens": 300, "cacheDetails": [{"ttl": "1h", "inputTokens": 200}],
        }),
        (100 * 3 + 1000 * 0.3 + 100 * 3.75 + 200 * 6 + 50 * 15) * 1.1, id="bedrock-converse",
    ),
    pytest.param(
        line(provider="google", model="gemini-2.5-flash", usage={
            "promptTokenCount": 1000, "candidatesTokenCount": 50, "thoughtsTokenCount": 10, "totalTokenCount": 1060,
            "cachedContentTokenCount": 200, "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 200}],
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 600}, {"modality": "TEXT", "tokenCount": 400}],
            "trafficType": "ON_DEMAND",
        }),
        200 * 0.3 + 200 * 0.03 + 600 * 1 + 60 * 2.5, id="gemini-thinking-and-audio",
    ),
    pytest.param(
        line(usage={"id": "chatcmpl-1", "model": "gpt-4o", "choices": [],
                    "usage": {"prompt_tokens": 1000, "completion_tokens": 100}}),
        1000 * 2.5 + 100 * 10, id="a-whole-answer",
    ),
    pytest.param(line(timestamp=1793527200), 1000 * 2.5 + 100 * 10, id="unix-seconds"),
    pytest.param(line(timestamp=1793527200000), 1000 * 2.5 + 100 * 10, id="unix-milliseconds"),
    pytest.param(line(model="o3", timestamp="2025-06-01"), 1000 * 10 + 100 * 40, id="the-price-of-that-day"),
    pytest.param(line(provider="azure", batch=True), 1000 * 1.25 + 100 * 5, id="azure-batch"),
    pytest.param(line(service_tier="priority"), 1000 * 4.25 + 100 * 17, id="priority"),
    pytest.param(line(provider="litellm", model="anthropic/claude-sonnet-4-5"), 1000 * 3 + 100 * 15, id="by-a-router"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "millionths"), FORMS)
def test_any_providers_usage_is_priced(row: dict[str, Any], millionths: float) -> None:
    (found,) = priced(row)
    assert found["status"] == "priced", found["note"]
    assert found["cost_usd"] == pytest.approx(millionths / 1e6, abs=1e-12)
    assert sum(part["usd"] for part in found["breakdown"].values()) == pytest.approx(found["cost_usd"], abs=1e-12)
    assert {name: found[name] for name in row} == row
    assert found["price_source"] == "genai-prices"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(b"not json", "not JSON", id="no-json"),
        pytest.param(b"[1]", "not a JSON object", id="no-object"),
        pytest.param(
            b'{"id": 7, "model": "gpt-4o", "usage": {"foo": 1}}', "names no known count; it has foo", id="usage"
        ),
        pytest.param(b'{"id": 7, "model": "gpt-4o", "timestamp": "soon"}', "'soon' is no time", id="time"),
        pytest.param(b'{"id": 7, "model": 5}', "model must be text; got 5", id="model"),
    ],
)
def test_a_line_that_cannot_be_read_comes_back_with_the_reason(text: bytes, says: str) -> None:
    tally = Tally()
    bad, good = price_lines([text, b"\n", json.dumps(line()).encode()], [], tally)
    assert (bad["status"], bad["cost_usd"]) == ("unreadable", None)
    assert says in bad["note"]
    assert bad.get("id") == (7 if b"id" in text else None)
    assert good["status"] == "priced"
    assert (tally.lines, tally.unreadable) == (2, 1)


def test_from_the_shell(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "usage.jsonl"
    rows = [line(id="a"), line(id="b", model="mine"), line(id="c", usage={})]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    ended = command(tmp_path, "price", str(file), "--json")
    assert ended.returncode == 0
    found = [json.loads(text) for text in ended.stdout.splitlines()]
    assert [(row["id"], row["status"]) for row in found] == [
        ("a", "priced"), ("b", "unknown_model"), ("c", "unknown_usage"),
    ]  # fmt: skip
    assert "3 lines, 0.003500 US dollars; 2 without a cost" in ended.stderr

    own = tmp_path / "prices.yaml"
    own.write_text("prices:\n  - model: mine\n    usd_per_million: {input: 1, output: 2}\n", "utf-8")
    ended = command(tmp_path, "price", str(file), "--json", "--prices", str(own))
    assert [json.loads(text)["cost_usd"] for text in ended.stdout.splitlines()] == [0.0035, 0.0012, None]
    assert "3 lines" in command(tmp_path, "price", str(file)).stderr


@pytest.mark.parametrize(
    ("prices", "says"),
    [
        pytest.param(None, "cannot be read", id="no-file"),
        pytest.param("prices: [", "is no YAML", id="no-yaml"),
        pytest.param("prices:\n  - {model: m}\n", "entry 1", id="bad-entry"),
    ],
)
def test_a_bad_price_list_ends_with_one_sentence(
    command: Command, tmp_path: Path, prices: str | None, says: str
) -> None:
    own = tmp_path / "prices.yaml"
    if prices is not None:
        own.write_text(prices, "utf-8")
    (tmp_path / "usage.jsonl").write_text("", "utf-8")
    ended = command(tmp_path, "price", str(tmp_path / "usage.jsonl"), "--prices", str(own))
    assert ended.returncode == 2
    assert ended.stderr.startswith("assay: ")
    assert says in ended.stderr
