"""Alerts reach people: over real receivers that hang, fail and redirect, through kills, and in spite of one another."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psutil
import pytest
from duckdb import DuckDBPyConnection
from receivers import Act, Got, Receivers, answer, hang, in_turn, ok, receiving
from stores import put_empty

from server.core import Core, opened
from server.monitors.terms import Terms
from server.notify import lines, loop, setting, telling
from server.notify.lines import backoff
from server.notify.loop import Notifier
from server.notify.sender import Sender
from server.notify.setting import Post
from server.settings import Settings
from store import alerts, deliveries
from store.alerts import Alert, Opening

WAIT_S = 40.0
BASE = "http://app.example:8501"
TOKEN = "s3cr3t-t0ken"  # noqa: S105 - stands in every address here, and may stand nowhere else


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def until(condition: Callable[[], Any], wait_s: float = WAIT_S) -> Any:
    """What the condition gives once it holds."""
    end = time.monotonic() + wait_s
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {wait_s:g} s"
        time.sleep(0.02)
    return found


@pytest.fixture(scope="module")
def receivers() -> Iterator[Receivers]:
    with receiving() as made:
        yield made


class World:
    """A store with a notifier over it; delays are as short as tests need them."""

    def __init__(self, core: Core, sender: Sender) -> None:
        self.core, self.notifier = core, Notifier(core, sender)
        self.post = Post(self.notifier.vault, sender)

    def write(self, work: Callable[[DuckDBPyConnection], Any]) -> Any:
        return self.core.writer.call(work).result(30)

    def channel(self, name: str, url: str, kind: str = "webhook", **more: Any) -> None:
        setting.put(self.core, self.post, "default", name, setting.Terms(kind=kind, url=url, **more), "Ada")  # type: ignore[arg-type]  # checked there

    def open(self, *monitors: str, at: datetime | None = None, cause: str = "release:1.8", **more: Any) -> list[Alert]:
        """Alerts that open together, and are told."""
        at = at or now()

        def work(cursor: DuckDBPyConnection) -> list[Alert]:
            made = [alerts.open_(cursor, 1, opening(name, cause, **more), at) for name in monitors]
            for one in made:
                telling.queue(cursor, 1, one, "opened", (), BASE)
            return made

        made: list[Alert] = self.write(work)
        self.notifier.wake()
        return made

    def log(self, **of: Any) -> list[deliveries.Logged]:
        with self.core.readers.read() as con:
            return deliveries.logged(con, 1, **of)

    def states(self, **of: Any) -> set[str]:
        return {one.delivery.state for one in self.log(**of)}

    def tries(self, **of: Any) -> list[str]:
        with self.core.readers.read() as con:
            return [one.outcome for one in deliveries.tries(con, self.log(**of)[0].delivery.delivery_id)]


def opening(monitor: str, cause: str, **more: Any) -> Opening:
    told = Opening(
        UUID(int=hash(monitor) % 2**64), monitor, 1, "warning", f"{monitor} went from 1 % to 8 %.", cause, now(), None,
        None, "{}", now(),
    )  # fmt: skip
    return replace(told, **more)


@pytest.fixture(scope="module")
def sender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sender]:
    made = Sender(tmp_path_factory.mktemp("sender"), metadata=False, limit_s=3.0)
    yield made
    made.close()


@contextmanager
def world_in(folder: Path, sender: Sender) -> Iterator[World]:
    """A store that nobody delivers from yet."""
    put_empty(folder)
    settings = Settings(data_dir=folder, min_free_bytes=0, app_url=BASE)  # type: ignore[arg-type]  # pydantic reads it
    with opened(settings) as core:
        yield World(core, sender)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sender: Sender) -> Iterator[World]:
    monkeypatch.setattr(lines, "FIRST_RETRY", timedelta(seconds=0.2))
    monkeypatch.setattr(lines, "REST_S", 0.2)
    with world_in(tmp_path, sender) as made:
        made.notifier.start()
        yield made
        made.notifier.stop()


FIRST_FAILS = [
    pytest.param(hang, "timeout", id="hangs"),
    pytest.param(answer(500), "refused", id="500"),
    pytest.param(answer(302, "location: /elsewhere"), "refused", id="302"),
    pytest.param(answer(307, "location: /elsewhere"), "refused", id="307"),
]


def test_an_alert_arrives_once_the_receiver_takes_it(world: World, receivers: Receivers) -> None:
    """Four bad receivers at once, by webhook and by apprise: each is tried until it takes the message, once."""
    paths = []
    for case in FIRST_FAILS:
        act, outcome = case.values
        for kind, scheme in (("webhook", "http"), ("apprise", "json")):
            path = f"/{TOKEN}/{kind}/{case.id}"
            paths.append((f"{kind}-{case.id}", path, outcome))
            world.channel(paths[-1][0], receivers.url(path, in_turn(act, act, ok), scheme), kind)  # type: ignore[arg-type]  # acts
    world.open("errors")
    until(lambda: world.states() == {"sent"})
    for name, path, outcome in paths:
        *failed, last = world.tries(channel=name)
        assert (set(failed), last) == ({outcome}, "sent")
        assert len(receivers.got[path]) == 3
        if name.startswith("webhook"):
            assert len({(got.headers["x-assayline-delivery"], got.body) for got in receivers.got[path]}) == 1
    assert receivers.got["/elsewhere"] == []


def test_alerts_of_one_cause_that_open_together_are_one_message(world: World, receivers: Receivers) -> None:
    world.channel("ops", receivers.url("/together", ok), secret=16 * "k")
    world.open("errors", "cost")
    world.open("latency", cause="model:gpt-4o")
    until(lambda: world.states() == {"sent"})
    both, one = sorted((got.json for got in receivers.wait("/together", 2)), key=lambda told: -len(told["alerts"]))
    assert [alert["monitor"] for alert in both["alerts"]] == ["errors", "cost"]
    assert both["title"] == "[warning] 2 alerts: release 1.8 (opened)"
    assert both["link"] == f"{BASE}/alerts?project=default"
    assert one["title"] == "[warning] Alert 3: latency fires"
    assert one["alerts"][0]["link"] == f"{BASE}/alerts?project=default&alert=3"
    assert len(world.log()) == 3


def test_a_crowd_of_unknown_cause_is_one_message(world: World, receivers: Receivers) -> None:
    world.channel("ops", receivers.url("/crowd", ok))

    def work(cursor: DuckDBPyConnection) -> None:
        told = [opening(f"m{number}", f"monitor:m{number}") for number in range(25)]
        made = alerts.open_many(cursor, 1, told, now())
        telling.queue_many(cursor, 1, [(one, ()) for one in made], "opened", BASE)

    world.write(work)
    world.notifier.wake()
    until(lambda: world.states() == {"sent"})
    (got,) = receivers.got["/crowd"]
    assert got.json["title"] == "[warning] 25 alerts: causes not known yet (opened)"
    assert (len(got.json["alerts"]), got.json["text"][-31:]) == (25, "And 5 more, which the page has.")


def test_who_was_told_hears_that_it_is_over(world: World, receivers: Receivers) -> None:
    world.channel("ops", receivers.url("/ops", ok))
    world.channel("quiet", receivers.url("/quiet", ok), severities=["critical"])
    (alert,) = world.open("errors")

    def resolve(cursor: DuckDBPyConnection) -> None:
        alerts.resolve(cursor, alert.alert_id, now(), None)
        telling.queue(cursor, 1, alert, "resolved", (), BASE)

    world.write(resolve)
    world.notifier.wake()
    first, second = receivers.wait("/ops", 2)
    assert [first.json["event"], second.json["event"]] == ["opened", "resolved"]
    assert "by itself" in second.json["text"]
    assert receivers.got["/quiet"] == []


def monitor(world: World, name: str, **terms: Any) -> None:
    document = Terms(signal="error_rate", **terms).model_dump_json()
    world.write(
        lambda cursor: cursor.execute(
            "insert into monitors (project_id, monitor_id, name, version, basis, document, enabled, state, "
            "state_since, next_look, recent, created_at, set_at) "
            "values (1, ?, ?, 1, 1, ?, true, 'firing', ?, ?, '', ?, ?)",
            [opening(name, "").monitor_id, name, document, now(), now(), now(), now()],
        )
    )


def test_what_nobody_acknowledges_escalates_once(
    world: World, receivers: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "HOUSE_S", 0.0)
    world.channel("chat", receivers.url("/chat", ok), severities=["info", "warning"])
    world.channel("pager", receivers.url("/pager", ok), severities=["critical"])
    for name in ("late", "seen", "early", "snoozed"):
        monitor(world, name, escalate_after="1h")
    ago = now() - timedelta(hours=2)
    late, seen, snoozed = world.open("late", "seen", "snoozed", at=ago)
    world.open("early")

    def act(cursor: DuckDBPyConnection) -> None:
        alerts.acknowledge(cursor, seen, ago, "Ada", None)
        alerts.snooze(cursor, snoozed, ago, "Ada", now() + timedelta(hours=1), None)

    world.write(act)
    world.notifier.wake()
    (got,) = receivers.wait("/pager")
    assert (got.json["event"], got.json["severity"], got.json["alerts"][0]["number"]) == (
        "escalated",
        "critical",
        late.number,
    )
    until(lambda: world.states() == {"sent"})
    world.notifier.turn(time.monotonic())
    with world.core.readers.read() as con:
        assert [one.event for one in alerts.events(con, late.alert_id)] == ["opened", "escalated"]
    assert len(receivers.got["/pager"]) == 1


def test_a_snooze_that_ends_while_it_fires_is_told(
    world: World, receivers: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.channel("ops", receivers.url("/snoozed", ok))
    (alert,) = world.open("errors")
    receivers.wait("/snoozed")
    world.write(lambda cursor: alerts.snooze(cursor, alert, now(), "Ada", now() + timedelta(seconds=0.3), None))
    assert world.write(lambda cursor: telling.queue(cursor, 1, alert, "opened", (), BASE)) in {0, 1}
    monkeypatch.setattr(loop, "HOUSE_S", 0.0)
    assert receivers.wait("/snoozed", 2)[-1].json["event"] in {"unsnoozed", "opened"}


def test_ten_thousand_that_wait_for_a_dead_channel_starve_nobody(world: World, receivers: Receivers) -> None:
    """The channel hangs, so it holds few places and rests; another one is told at once, and so are new alerts."""
    world.channel("dead", receivers.url("/dead", hang))
    world.open("old")
    fill = (
        "insert into deliveries select project_id, uuid(), uuid(), 'dead', uuid(), event, message, 'waiting', "
        "created_at, created_at, give_up_at, 0, null from deliveries, range(10000)"
    )
    world.write(lambda cursor: cursor.execute(fill))
    receivers.wait("/dead", 2)
    world.channel("live", receivers.url("/live", ok))
    world.open("new")
    receivers.wait("/live", seconds=20)  # the others would take four hours
    assert len(receivers.got["/dead"]) < 20
    waiting = "select count(*) from deliveries where channel = 'dead' and state = 'waiting'"
    assert world.write(lambda cursor: cursor.execute(waiting).fetchone()) == (
        10_001 + 1,
    )  # none is lost, the new one too


def test_many_dead_channels_leave_room_for_one_that_lives(world: World, receivers: Receivers) -> None:
    for number in range(20):
        world.channel(f"dead-{number}", receivers.url(f"/dead/{number}", hang))
    world.open("old")
    until(lambda: sum(len(receivers.got[f"/dead/{number}"]) for number in range(20)) >= lines.OF_FAILING)
    world.channel("live", receivers.url("/alive", ok))
    world.open("new")
    receivers.wait("/alive", seconds=20)


def test_what_fails_for_a_day_is_given_up_seen_and_tried_again_on_demand(world: World, receivers: Receivers) -> None:
    acts: list[Act] = [answer(503), ok]

    def now_as_then(*told: Any) -> None:
        acts[0](*told)

    world.channel("ops", receivers.url("/given-up", now_as_then))
    world.open("errors", at=now() - timedelta(hours=25))
    (failed,) = until(lambda: world.log(state="failed"))
    assert (failed.delivery.tries, failed.last.detail) == (1, "The receiver answered 503.")
    acts.reverse()
    world.write(lambda cursor: deliveries.retry(cursor, 1, failed.delivery.delivery_id, now()))
    world.notifier.wake()
    until(lambda: world.states() == {"sent"})


def test_a_channel_whose_address_is_lost_says_so(world: World, receivers: Receivers) -> None:
    """As when the database alone was copied to another machine."""
    world.channel("ops", receivers.url("/lost-address", ok))
    (world.core.settings.data_dir / "channels.key").unlink()
    world.open("errors")
    (waits,) = until(lambda: [one for one in world.log() if one.last])
    assert (waits.delivery.state, waits.last.detail) == (
        "waiting",
        "The address of the channel is not on this machine. Set the channel again.",
    )
    world.channel("ops", receivers.url("/lost-address", ok))
    world.notifier.wake()
    receivers.wait("/lost-address")


def test_no_secret_gets_into_the_store_or_the_log(
    world: World, receivers: Receivers, caplog: pytest.LogCaptureFixture
) -> None:
    world.channel("ops", receivers.url(f"/{TOKEN}/store", answer(500)), secret=f"{TOKEN}-key")
    world.channel("mail", f"json://u:{TOKEN}@127.0.0.1:{receivers.port}/{TOKEN}/store-too", "apprise")
    world.open("errors")
    until(lambda: all(one.delivery.tries > 1 for one in world.log()))
    world.core.writer.call(lambda cursor: cursor.execute("checkpoint") and None)
    folder = world.core.settings.data_dir
    held = [path for path in folder.rglob("*") if path.is_file() and path.name != "channels.key"]
    assert [path.name for path in held if TOKEN.encode() in path.read_bytes()] == []
    assert "channel ops of project 1" in caplog.text
    assert TOKEN not in caplog.text


def test_without_a_server_a_command_sends_by_itself(world: World, receivers: Receivers) -> None:
    with setting.alone(world.core) as post:
        terms = setting.Terms(kind="webhook", url=receivers.url("/alone", ok))
        setting.put(world.core, post, "default", "ops", terms, "Ada")
        assert setting.try_out(world.core, post, "default", "ops", "Ada").outcome == "sent"


@pytest.mark.parametrize("tries", [0, 1, 5, 50])
def test_delays_double_up_to_a_quarter_of_an_hour(tries: int) -> None:
    whole = min(5.0 * 2**tries, 900.0)
    assert [backoff(tries, draw).total_seconds() for draw in (0.0, 0.5)] == [whole / 2, 0.75 * whole]


# The server as a whole.


@pytest.fixture(scope="module")
def killed(shared: Any, receivers: Receivers, sender: Sender) -> list[Got]:
    """The shared server went down before it could tell of an alert, and is killed while it tells of it."""
    shared.end()

    beside: list[psutil.Process] = []

    def killing(here: Receivers, link: Any, got: Got) -> None:
        beside.extend(psutil.Process(shared.process.pid).children(recursive=True))
        shared.end(signal.SIGKILL)
        ok(here, link, got)

    with world_in(shared.folder, sender) as world:
        world.channel("ops", receivers.url("/killed", in_turn(killing, ok)))
        world.open("errors")
    shared.start()
    receivers.wait("/killed")
    until(lambda: beside and not any(one.is_running() for one in beside))  # what sends ends with its server
    shared.start()
    return receivers.wait("/killed", 2)


def test_a_kill_between_the_try_and_its_note_loses_nothing(shared: Any, killed: list[Got]) -> None:
    """The receiver has the message, the server does not know: it is sent again, with the same id."""
    first, second = killed
    assert first.body == second.body
    assert first.headers["x-assayline-delivery"] == second.headers["x-assayline-delivery"]
    with shared.client() as client:
        until(lambda: [one["state"] for one in client.deliveries(channel="ops")] == ["sent"])
        (alert,) = client.alerts()["alerts"]
        told = client.alert(alert["number"])
    assert [one["event"] for one in told["events"]] == ["opened"]
    assert [one["tries"] for one in told["deliveries"]] == [1]  # the one of before the kill is not known


def test_what_people_do_by_command(
    command: Callable[..., Any], shared: Any, killed: list[Got], tmp_path: Path, receivers: Receivers
) -> None:
    address = tmp_path / "address"
    address.write_text(receivers.url(f"/{TOKEN}/command", answer(500)) + "\n")
    said: list[str] = []

    def assay(*told: str, code: int = 0, **more: Any) -> str:
        done = command(shared.folder, *told, **more)
        assert done.returncode == code, done.stderr
        said.append(done.stdout)
        return str(done.stdout or done.stderr)

    made = assay("channels", "set", "chat", "webhook", "--url-file", str(address), "--sign")
    assert f"http://127.0.0.1:{receivers.port}/***; signed" in made
    assert "The key, which is not shown again: " in made
    assert "The receiver answered 500." in assay("channels", "test", "chat", code=1)
    (listed,) = (
        one for one in map(json.loads, assay("channels", "list", "--json").splitlines()) if one["name"] == "chat"
    )
    assert (listed["last"]["state"], listed["waiting"], listed["signed"]) == ("failed", 0, True)
    for told, answered in [
        (("ack", "1"), "Alert 1 of monitor errors (version 1), warning: acknowledged."),
        (("snooze", "1", "--for", "4h"), "snoozed until"),
        (("snooze", "1", "--for", "0"), "warning: acknowledged."),
        (("own", "1", "Bo"), "acknowledged"),
        (("resolve", "1", "--text", "Rolled back."), "resolved"),
        (("reopen", "1"), "firing"),
        (("resolve", "1", "--text", "Again."), "resolved"),
    ]:
        assert answered in assay("alerts", *told, "--author", "Ada")
    assay("alerts", "note", "1", "-", stdin="A **cause**.")
    assert "Reopen it first" in assay("alerts", "ack", "1", code=2)
    shown = assay("alerts", "show", "1")
    assert [shown.count(text) for text in ("Rolled back.", "A **cause**.", "Bo")] == [1, 2, 2]
    assert "errors" in assay("alerts", "list", "--state", "resolved")
    assert "resolved" in assay("channels", "log")
    assay("channels", "delete", "chat")
    assert TOKEN not in "".join(said)
    assert TOKEN not in shared.log()
    assert TOKEN not in (shared.folder / "channels.key").read_text()


OPS = "/api/channels/ops"
HOOK = {"kind": "webhook", "author": "Ada"}
REFUSED = [
    pytest.param("PUT", OPS, {**HOOK, "url": f"ftp://{TOKEN}"}, 422, "http://", id="address"),
    pytest.param("PUT", OPS, {"kind": "webhook", "url": f"http://h/{TOKEN}"}, 422, "author", id="no-author"),
    pytest.param("PUT", OPS, {**HOOK, "url": [TOKEN]}, 422, "url", id="no-text"),
    pytest.param("PUT", OPS, {**HOOK, "url": "http://h", "secret": TOKEN[:5]}, 422, "16", id="short-key"),
    pytest.param("PUT", "/api/channels/new", HOOK, 422, "no address", id="none-yet"),
    pytest.param("PUT", OPS, {**HOOK, "kind": "apprise", "secret": 9 * TOKEN}, 422, "only webhooks", id="apprise-key"),
    pytest.param("POST", "/api/channels/none/test", {"author": "Ada"}, 404, "has no channel", id="unknown-channel"),
    pytest.param("DELETE", OPS, None, 409, "confirm=ops", id="unconfirmed"),
    pytest.param("GET", "/api/alerts/77", None, 404, "no alert 77", id="unknown-alert"),
    pytest.param("POST", "/api/alerts/77/acknowledge", {"author": "Ada"}, 404, "no alert 77", id="unknown-alert-too"),
    pytest.param("POST", "/api/alerts/1/acknowledge", {"author": " "}, 422, "author", id="nobody"),
    pytest.param("POST", "/api/alerts/1/snooze", {"author": "Ada", "for": "soon"}, 422, "for", id="no-length"),
    pytest.param("POST", "/api/alerts/1/snooze", {"author": "Ada", "for": "93d"}, 422, "92d at most", id="too-long"),
    pytest.param("POST", f"/api/deliveries/{uuid4()}/retry", None, 404, "no delivery", id="unknown-delivery"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "status", "says"), REFUSED)
def test_what_cannot_be_done_is_told_without_secrets(
    shared: Any, method: str, path: str, body: Any, status: int, says: str
) -> None:
    answered = httpx.request(method, f"{shared.note.api_url}{path}", json=body, trust_env=False, timeout=30)
    assert (answered.status_code, says in answered.json()["detail"]) == (status, True), answered.text
    assert TOKEN[:5] not in answered.text


def test_the_test_button_waits_for_the_outcome(shared: Any, receivers: Receivers) -> None:
    with shared.client() as client:
        made = client.set_channel("button", {"kind": "webhook", "url": receivers.url("/button", ok)}, "Ada")
        assert (made["last"], made["author"], "url" in made, "place" in made) == (None, "Ada", False, False)
        done = client.test_channel("button", "Ada")
        assert (done["outcome"], done["detail"]) == ("sent", "The receiver answered 200.")
        (got,) = receivers.got["/button"]
        assert "Ada asked" in got.json["text"]
        again = client.set_channel("button", {"kind": "webhook", "events": ["resolved"]}, "Bo")
        assert (again["events"], again["last"]["state"]) == (["resolved"], "sent")
        assert client.test_channel("button", "Bo")["outcome"] == "sent"  # the address was kept
        client.delete_channel("button", "Ada")
        assert "/button" not in (shared.folder / "channels.key").read_text()
