"""The set-ups that the README and the app tell people to copy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from app import snippets

README = Path(__file__).resolve().parents[2] / "README.md"
SPAN = 'trace.get_tracer("snippet").start_span("sent by the snippet").end()\nprovider.shutdown()\n'


def code(language: str, http: str = "http://127.0.0.1:4318", grpc: str = "http://127.0.0.1:4317") -> str:
    return dict(snippets.filled(http, grpc))[language]


@pytest.mark.parametrize("language", ["python", "javascript", "yaml", "bash"])
def test_the_readme_and_the_app_say_the_same(language: str) -> None:
    assert f"```{language}\n{code(language).strip()}\n```" in README.read_text(encoding="utf-8")


def test_the_python_snippet_sends(receive: Callable[..., Any]) -> None:
    receivers = receive()
    script = code("python", http=f"http://127.0.0.1:{receivers.http_port}") + SPAN
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
    assert receivers.sink.span_names == ["sent by the snippet"]


def test_the_collector_snippet_is_a_configuration() -> None:
    """The Collector itself is not at hand: at least every exporter named in a pipeline is defined."""
    read = yaml.safe_load(code("yaml"))
    named = {name for pipeline in read["service"]["pipelines"].values() for name in pipeline["exporters"]}
    assert named == set(read["exporters"])
