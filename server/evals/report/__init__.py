"""Reports of a run: JUnit XML for CI, Markdown for a pull request, HTML with the failing rows for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evaluators.suites.results import read_rows
from server.evals.folder import HTML, JUNIT, MARKDOWN
from server.evals.report.junit import junit
from server.evals.report.pages import html, markdown
from server.evals.report.rows import failing


def reports(results: Path, summary: dict[str, Any], manifest: dict[str, Any]) -> dict[str, str]:
    """The texts of the reports by the names of their files."""
    found = failing(read_rows(results))
    return {
        JUNIT: junit(summary, manifest, found),
        MARKDOWN: markdown(summary, manifest, found),
        HTML: html(summary, manifest, found),
    }
