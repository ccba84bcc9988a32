"""JUnit XML: a test case a gate, so that CI shows which one failed and why; and one for the run being complete."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import datetime
from typing import Any

from server.evals.report.rows import Failing, failed_of, value_text

NAMED = 20  # failing rows that an evaluator's output names
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2


def junit(summary: dict[str, Any], manifest: dict[str, Any], found: Failing) -> str:
    """The XML of a run. A gate that fails the build is a failure; one that could not be judged is one too."""
    started = datetime.fromisoformat(manifest["started_at"])
    took = (datetime.fromisoformat(manifest["ended_at"]) - started).total_seconds()
    gates = summary["gates"]
    cases = [*gates, summary["completeness"]]
    suite = ET.Element(
        "testsuite", name=_clean(summary["suite"]), tests=str(len(cases)),
        failures=str(sum(one["fails"] for one in cases)), errors="0", skipped="0", time=f"{took:.3f}",
        timestamp=started.replace(tzinfo=None).isoformat(timespec="seconds"), hostname="localhost", id="0",
        package="assayline",
    )  # fmt: skip
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(summary, manifest):
        ET.SubElement(properties, "property", name=name, value=_clean(value))
    for gate in cases:
        case = ET.SubElement(suite, "testcase", classname=_clean(summary["suite"]), name=_clean(gate["text"]), time="0")
        if gate["fails"]:
            failure = ET.SubElement(case, "failure", message=_clean(gate["sentence"]), type=gate["state"])
            failure.text = _clean(gate["sentence"])
    ET.SubElement(suite, "system-out").text = _clean(_output(found))
    ET.SubElement(suite, "system-err").text = ""
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _properties(summary: dict[str, Any], manifest: dict[str, Any]) -> list[tuple[str, str]]:
    told = [("run_id", manifest["run_id"]), ("results_sha256", manifest["results_sha256"])]
    told += [("suite_sha256", manifest["suite_sha256"]), ("outcome", summary["outcome"])]
    if manifest["git"] is not None:
        told.append(("git_commit", manifest["git"]["commit"]))
    return told


def _output(found: Failing) -> str:
    lines = [f"{found.count:,} of {found.of:,} answers have a verdict that does not pass, or none."]
    for row in found.rows[:NAMED]:
        lines.append(f"{row['item']} (repeat {row['repeat']}): {row['reason'] or 'answered'}")
        lines += [f"  {name}: {value_text(said)}. {said['reason']}" for name, said in failed_of(row)]
    if found.count > NAMED:
        lines.append(f"The first {NAMED} of {found.count:,} are shown.")
    return "\n".join(lines)


def _clean(text: object) -> str:
    """Without letters that XML has no way to write."""
    return _FORBIDDEN.sub("\ufffd", str(text))
