"""Rules of the house that no other tool checks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from server import settings_doc

ROOT = Path(__file__).resolve().parents[1]
HEAVY = (
    "streamlit", "plotly", "ragas", "openai", "anthropic", "langchain", "langchain_core", "datasets", "playwright",
    "apprise",
)  # fmt: skip
REGISTRY = re.compile(
    r"(?:index(?:-url)?|registry|find-links)\s*[=:]\s*\S*(?:https?|file)://"
    r"|https?://(?:pypi\.org/simple|registry\.npmjs\.org|registry\.yarnpkg\.com)",
    re.IGNORECASE,
)
MACHINE_PATH = re.compile(r"(?<![\w.~/$}-])/(?:home|root|work|Users|tmp|srv|mnt)/[\w.-]+")


def tracked() -> list[Path]:
    """Text files under version control."""
    if not (ROOT / ".git").exists():
        pytest.skip("Not a git checkout: nobody knows which files belong to the repository.")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file() and path.suffix not in {".gz", ".png", ".pb", ".parquet"}]


def files_with(pattern: re.Pattern[str]) -> list[str]:
    texts = ((path, path.read_text(encoding="utf-8", errors="replace")) for path in tracked() if path != Path(__file__))
    matches = ((path, pattern.search(text)) for path, text in texts)
    return [f"{path.relative_to(ROOT)}: {match[0]}" for path, match in matches if match]


def test_no_registry_address_is_written_down() -> None:
    assert files_with(REGISTRY) == []


def test_no_path_of_one_machine_is_written_down() -> None:
    assert files_with(MACHINE_PATH) == []


def test_the_rules_above_find_what_they_look_for() -> None:
    assert REGISTRY.search('"resolved": "https://registry.' + 'npmjs.org/a/-/a-1.tgz"')
    assert REGISTRY.search("index-url = https://somewhere.example/simple")
    assert MACHINE_PATH.search('open("/home/somebody/data.csv")')
    assert not MACHINE_PATH.search("https://example.org/home/index and ../work/here")


def test_datasets_is_data_only() -> None:
    """ragas imports the library of that name, so the folder must never become importable."""
    assert [str(path) for path in (ROOT / "datasets").rglob("*.py*")] == []


def test_the_library_datasets_is_not_shadowed() -> None:
    code = "import importlib.util as u; print(u.find_spec('datasets').origin)"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "site-packages" in said


@pytest.mark.parametrize(
    "modules",
    [
        pytest.param("collectors.normalise, collectors.frames, collectors.resolve", id="collectors"),
        pytest.param("store.database, store.writer, store.readers", id="store"),
        pytest.param("server.cli, server.ingest, server.demo, server.notify.loop", id="server"),
        pytest.param("analytics, evaluators", id="analytics-evaluators"),
    ],
)
def test_the_core_loads_nothing_heavy(modules: str) -> None:
    code = f"import sys, {modules}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_the_readme_tells_the_settings_of_the_code() -> None:
    """`python -m server.settings_doc` prints the table to paste."""
    assert settings_doc.table() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, info in settings_doc.fields() if not info.description] == []


def test_make_help_lists_the_commands_of_the_readme() -> None:
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    named = set(re.findall(r"`make ([a-z]+)`", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert named >= {"demo", "test", "run", "check", "bench"}
    assert named <= {line.split()[0] for line in said.splitlines()}


def test_the_benchmarks_are_told_in_their_readme() -> None:
    scripts = {path.name for path in (ROOT / "benchmarks").glob("[a-z]*.py")}
    told = set(
        re.findall(r"^\| `(\w+\.py)`", (ROOT / "benchmarks/README.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert told == scripts


@pytest.mark.parametrize("name", ["README.md", "datasets/README.md", "benchmarks/README.md", "ARCHITECTURE.md"])
def test_files_that_are_linked_exist(name: str) -> None:
    page = ROOT / name
    linked = re.findall(r"\]\((?!https?:|#)([^)]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in linked if not (page.parent / link).exists()] == []
