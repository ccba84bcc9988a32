"""Monitors over HTTP and from the shell: set, looked at, followed, tried out, taken away."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shell

from evaluators.documents import DocumentError
from server import monitor_shell
from server.client import ApiError, Client

HOUR_NS = 3600 * 10**9
CALL = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o"}
DAYS, A_HOUR, BAD_HOURS = 8, 8, 10
FIRES = {
    "signal": "error_rate", "where": {"service": "shop"}, "against": {"last": "6d"}, "window": "6h",
    "alert": {"persist": "1/1"}, "severity": "critical", "owner": "ann",
}  # fmt: skip
FILE = """monitors:
- name: errors
  signal: error_rate
  where: {service: shop}
  against: {last: 6d}
  window: 6h
  alert: {persist: 1/1}
- name: quiet
  alert: {kind: no_data}
  window: 2h
"""


@pytest.fixture(scope="module")
def served(serve: Callable[[str], Any], telling: Any) -> Any:
    """Eight calls an hour for eight days, of which one in twenty fails, and in the last ten hours half."""
    made, rng, now = serve("monitors"), np.random.default_rng(1), time.time_ns()
    bodies = []
    for number in range(DAYS * 24 * A_HOUR):
        began = now - HOUR_NS * (number + 1) // A_HOUR
        failed = rng.random() < (0.5 if number < BAD_HOURS * A_HOUR else 0.05)
        trace = telling((number + 1).to_bytes(16, "big"), began, service="shop")
        bodies.append(trace.span(1, "chat", 0, 100, error="boom" if failed else None, **CALL).body())
    made.send(b"".join(bodies))
    made.settle()
    return made


@pytest.fixture(scope="module")
def client(served: Any) -> Iterator[Client]:
    with served.client() as door:
        yield door


@pytest.fixture(scope="module")
def fired(client: Client) -> dict[str, Any]:
    """The monitor `fires`, looked at once: the first look takes seconds, as it fits what is usual."""
    made = client.set_monitor("fires", FIRES, "ann")
    assert (made["version"], made["author"], made["label"], made["unit"]) == (1, "ann", "Error rate", "share")
    looked: dict[str, Any] = client.look_now("fires")
    return looked


def test_one_that_fires_says_why_and_opens_an_alert(client: Client, fired: dict[str, Any]) -> None:
    found = fired
    assert (found["state"], found["last"]["counts"], found["season"]) == ("firing", True, "hour")
    assert found["last"]["value"] > found["last"]["high"] > found["last"]["expected"] > 0
    assert found["alert_open"]["state"] == "firing"
    assert "that is drift (adjusted p" in found["sentence"]
    alert = client.alert(found["alert_open"]["number"])
    assert (alert["severity"], alert["owner"], alert["state"]) == ("critical", "ann", "firing")
    assert "Error rate of service shop went from" in alert["verdict"]
    assert client.look_now("fires")["looks"] == found["looks"], "no bucket is over since"
    listed = {one["name"]: one for one in client.monitors()}
    assert listed["fires"]["recent"] == found["looks"]


@pytest.mark.usefixtures("fired")
def test_its_page_has_all_to_draw(client: Client) -> None:
    found = client.monitor_series("fires")
    assert (found["unit"], found["bucket_s"]) == ("share", 3600)
    assert len(found["points"]) >= 6 * 24
    assert all(one["value"] is None or 0 <= one["value"] <= 1 for one in found["points"])
    assert found["reference"]["since"] < found["reference"]["until"] < found["looks"][-1]["at"]
    assert found["reference"]["text"].endswith("each hour with its like.")
    assert {one["label"] for one in found["distributions"]["current"]} == {"yes", "no"}
    assert found["change"] is not None


@pytest.mark.usefixtures("fired")
def test_false_alarms_are_worked_out_beside(client: Client) -> None:
    until = time.monotonic() + 90
    while (found := client.monitor("fires")["calibration"]) is None and time.monotonic() < until:
        time.sleep(0.5)
    assert found is not None
    alarms, delay = found["false_alarms"], found["delay"]
    assert 0 <= alarms["low"] <= alarms["value"] <= alarms["high"]
    assert delay["effect"] > 0
    assert found["monitors"] >= 1


def test_what_is_set_is_kept_by_version(client: Client) -> None:
    terms = {"signal": "cost", "where": {"service": "shop"}, "description": "one"}
    assert client.set_monitor("kept", terms)["version"] == 1
    assert client.set_monitor("kept", terms)["version"] == 1, "the same again"
    client.look_now("kept")
    before = client.monitor("kept")
    beside = client.set_monitor("kept", terms | {"description": "two", "owner": "bob"}, "bob")
    assert (beside["version"], beside["state"], beside["looks"]) == (2, before["state"], before["looks"])
    anew = client.set_monitor("kept", terms | {"window": "2d"}, upon=2)
    assert (anew["version"], anew["state"], anew["season"]) == (3, "new", None)
    with pytest.raises(ApiError, match="is version 3 now, and the change is upon version 2"):
        client.set_monitor("kept", terms, upon=2)
    assert [one["version"] for one in anew["versions"]] == [3, 2, 1]
    assert anew["versions"][1]["author"] == "bob"


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        pytest.param({"signal": "eror_rate"}, "Did you mean 'error_rate'", id="a-signal"),
        pytest.param({"signal": "error_rate", "where": {"servic": "x"}}, "servic", id="a-filter"),
        pytest.param({"signal": "error_rate", "alert": {"persist": "3/2"}}, "k at most m", id="a-policy"),
        pytest.param({"signal": "tool_mix", "alert": {"kind": "threshold", "above": 1}}, "no single value", id="a-mix"),
        pytest.param({"signal": "error_rate", "window": "7m"}, "quarters of an hour", id="a-length"),
        pytest.param({"signal": "ledger_losses", "where": {"model": "x"}}, "not by model", id="books-by-model"),
        pytest.param({"signal": "cost", "window": "7d"}, "5 windows are 35; name a longer one", id="a-reach"),
        pytest.param(
            {"signal": "cost", "against": {"last": "20d"}, "alert": {"season": "weekday"}},
            "3 times its season",
            id="a-reach-of-season",
        ),
    ],
)
def test_what_cannot_be_watched_is_refused(client: Client, terms: dict[str, Any], says: str) -> None:
    with pytest.raises(ApiError, match=says):
        client.set_monitor("refused", terms)
    with pytest.raises(ApiError, match="has no monitor 'refused'"):
        client.monitor("refused")


def test_a_name_that_is_another_address_is_refused(client: Client) -> None:
    with pytest.raises(ApiError, match="No monitor can be named 'suggestions'"):
        client.set_monitor("suggestions", FIRES)


def test_a_preview_sets_nothing(client: Client) -> None:
    found = client.preview_monitor(FIRES)
    assert found["calibration"]["false_alarms"]["value"] >= 0
    assert found["season"] == "hour"
    assert found["would_have_fired"]
    assert found["looks"][-1]["state"] == "firing"
    assert "8 days are stored" in found["warnings"][0] or "7.9 days" in found["warnings"][0]
    young = client.preview_monitor(FIRES | {"where": {"service": "nobody"}})
    assert (young["looks"], young["min_effect"]) == ([], None)
    assert "nothing came in the whole reference" in young["warnings"][0].lower()
    plain = client.preview_monitor({"signal": "error_rate", "where": {"service": "shop"}, "window": "3h",
                                    "alert": {"kind": "threshold", "above": 0.25}})  # fmt: skip
    assert plain["would_have_fired"]
    assert plain["calibration"]["false_alarms"] is None


def test_a_preview_of_an_edit_counts_the_monitor_once(client: Client) -> None:
    known = sum(one["enabled"] and one["alert"]["kind"] == "drift" for one in client.monitors())
    client.set_monitor("edited", FIRES)
    counted = [client.preview_monitor(FIRES, name)["calibration"]["monitors"] for name in (None, "edited")]
    client.delete_monitor("edited")
    assert counted == [known + 2, known + 1]


def test_deleting_takes_the_name_again_and_resolves(client: Client) -> None:
    client.set_monitor("gone", FIRES | {"alert": {"kind": "threshold", "above": 0.25}})
    number = client.look_now("gone")["alert_open"]["number"]
    with pytest.raises(ApiError, match="Send confirm=gone") as refused:
        client._send("DELETE", "/api/monitors/gone", {"confirm": "other"})
    assert refused.value.status == 409
    client.delete_monitor("gone", "ann")
    alert = client.alert(number)
    assert (alert["state"], alert["resolved_by"]) == ("resolved", "ann")
    with pytest.raises(ApiError, match="has no monitor 'gone'"):
        client.monitor("gone")


def test_budgets_and_service_levels_are_looked_at(client: Client) -> None:
    client.set_budgets("budgets: [{usd_per_month: 10, where: {service: shop}}]")
    client.set_monitor("budget", {"alert": {"kind": "budget", "spent": 0.5}, "where": {"service": "shop"}})
    assert client.look_now("budget")["last"]["n"] > 0
    client.set_monitor("no-budget", {"alert": {"kind": "budget"}, "where": {"service": "mail"}})
    assert "has no budget of these calls" in client.look_now("no-budget")["why"]
    level = {"kind": "slo_burn", "objective": 0.95}
    client.set_monitor("level", {"alert": level, "where": {"service": "shop"}})
    found = client.look_now("level")
    assert found["state"] == "firing"
    assert found["last"]["value"] == pytest.approx(0.11 / 0.05, rel=0.6)
    slow = client.set_monitor(
        "slow", {"alert": level | {"objective": 0.5, "slower_than": 99}, "where": {"service": "shop"}}
    )
    assert slow["unit"] == "times"
    assert client.look_now("slow")["last"]["value"] == pytest.approx(2, rel=0.01), "all calls take 100 ms"


def test_mixes_are_compared_as_samples(client: Client) -> None:
    terms = {"signal": "model_mix", "where": {"service": "shop"}, "against": {"last": "6d"}, "window": "6h"}
    client.set_monitor("mix", terms | {"alert": {"persist": "1/1"}})
    found = client.look_now("mix")
    assert found["state"] == "insufficient data" or found["last"]["effect"] == 0
    client.set_monitor("durations", terms | {"signal": "duration", "against": {"release": "none"}})
    assert client.look_now("durations")["state"] == "insufficient data"


# From the shell.


@pytest.fixture
def run(served: Any, tmp_path: Path) -> Callable[..., Any]:
    def runner(*arguments: str, stdin: str | None = None) -> Any:
        environment = {"ASSAY_API_URL": served.note.api_url, "ASSAY_DATA_DIR": str(tmp_path)}
        return shell.run(tmp_path, ("monitor", *arguments), environment, stdin)

    return runner


def test_the_shell_sets_shows_and_takes_away(run: Callable[..., Any]) -> None:
    made = run("set", "-", stdin=FILE)
    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[0].startswith("Monitor errors (version 1) is ")
    looked = run("look", "errors").stdout
    assert "Error rate of service shop" in looked
    assert "fires when 1 of 1 looks show a change" in looked
    rows = run("list").stdout
    assert [name for name in ("errors", "quiet") if name not in rows] == []
    shown = json.loads(run("show", "errors", "--json").stdout)
    assert shown["looks"][-1]["n"] == 48
    assert "is off" in run("disable", "errors").stdout
    assert "is new" in run("enable", "errors").stdout
    tried = run("preview", "-", stdin=FILE)
    assert "Over what is stored it would have fired" in tried.stdout
    assert "Monitor errors is deleted" in run("delete", "errors").stdout
    assert run("show", "errors").returncode != 0


def test_a_file_is_refused_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "monitors.yaml"
    path.write_text(FILE.replace("window: 6h", "windw: 6h"), "utf-8")
    with pytest.raises(DocumentError, match=r"line 6.*did you mean 'window'"):
        monitor_shell.read_monitors(path)
