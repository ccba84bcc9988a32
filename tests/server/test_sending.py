"""One try to deliver, against receivers that hang, fail and redirect: what is said of it, and what is never said."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from uuid import UUID

import psutil
import pytest
from receivers import (
    Act,
    Receivers,
    answer,
    drip,
    endless_body,
    hang,
    hang_up,
    late,
    ok,
    receiving,
)

from server.notify.sealed import of_metadata
from server.notify.sender import AddressFaultError, Kind, Sender
from server.notify.sending import quietly
from server.notify.telling import Message
from server.notify.vault import Secret, Vault, VaultError
from store.deliveries import Try

LIMIT_S, PATIENT_S = 1.0, 20.0  # of tries that are to time out, and of those that are not, on a busy machine too
TOKEN = "s3cr3t-t0ken"  # noqa: S105 - stands in every address of these tests, and may stand in no answer
KEY = "a key of the receiver's own"
MESSAGE = Message(
    UUID(int=7), "opened", "critical", "Alert 7: errors fires", "Error rate went from 1 % to 8 %.", "http://app/alerts",
    json.dumps({"id": str(UUID(int=7)), "text": "Error rate went from 1 % to 8 %."}).encode(),
)  # fmt: skip


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def sender(data_dir: Path) -> Iterator[Sender]:
    made = Sender(data_dir, metadata=False, limit_s=PATIENT_S)
    yield made
    made.close()


@pytest.fixture(scope="module")
def impatient(data_dir: Path) -> Iterator[Sender]:
    made = Sender(data_dir, metadata=False, limit_s=LIMIT_S)
    yield made
    made.close()


@pytest.fixture(scope="module")
def receivers() -> Iterator[Receivers]:
    with receiving() as made:
        yield made


def tried(sender: Sender, kind: Kind, url: str, key: str | None = None) -> Try:
    heard: SimpleQueue[Try] = SimpleQueue()
    sender.send(kind, Secret(url, key), MESSAGE, heard.put)
    return heard.get(timeout=30)


def closed_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


BEHAVIOURS = [
    pytest.param(ok, "sent", "200", id="200"),
    pytest.param(answer(204), "sent", "204", id="204"),
    pytest.param(late(1.0), "sent", "200", id="200-late-but-in-time"),
    pytest.param(hang, "timeout", "within 1 s", id="hangs"),
    pytest.param(drip, "timeout", "within 1 s", id="slow-headers"),
    pytest.param(late(3 * LIMIT_S), "timeout", "within 1 s", id="200-too-late"),
    pytest.param(answer(500), "refused", "500", id="500"),
    pytest.param(answer(404), "refused", "404", id="404"),
    pytest.param(answer(429, "retry-after: 1"), "refused", "429", id="429"),
    pytest.param(hang_up, "failed", "", id="closes-without-an-answer"),
]
KINDS: list[Kind] = ["webhook", "apprise"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("act", "outcome", "detail"), BEHAVIOURS)
def test_what_a_receiver_does_is_told(
    sender: Sender, impatient: Sender, receivers: Receivers, kind: Kind, act: Act, outcome: str, detail: str,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    path = f"/{TOKEN}/{request.node.callspec.id}"
    by = impatient if outcome == "timeout" else sender
    done = tried(by, kind, receivers.url(path, act, "http" if kind == "webhook" else "json"))
    assert done.outcome == outcome
    assert detail in (done.detail or "")
    assert TOKEN not in (done.detail or "")
    assert done.took_ms < 1e3 * PATIENT_S
    (got,) = receivers.got[path]
    assert got.method == "POST"
    assert "Error rate went from 1 % to 8 %." in (got.json["text"] if kind == "webhook" else got.json["message"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_not_delivered(
    sender: Sender, receivers: Receivers, kind: Kind, status: int
) -> None:
    leads_to = receivers.url(f"/taken/{kind}/{status}", ok)
    act = answer(status, f"location: {leads_to}")
    scheme = "http" if kind == "webhook" else "json"
    more = "?redirect=yes" if kind == "apprise" else ""
    done = tried(sender, kind, receivers.url(f"/{TOKEN}/moved/{kind}/{status}", act, scheme) + more)
    assert (done.outcome, receivers.got[f"/taken/{kind}/{status}"]) == ("refused", [])
    assert f"{status}, a redirect" in (done.detail or "")


def test_the_body_of_an_answer_is_not_waited_for(sender: Sender, receivers: Receivers) -> None:
    assert tried(sender, "webhook", receivers.url("/endless", endless_body)).outcome == "sent"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("address", "outcome", "detail"),
    [
        pytest.param(f"127.0.0.1:{closed_port()}", {"failed"}, "Connection refused", id="refused"),
        # Without a network the resolver may take longer than the limit.
        pytest.param("nowhere.invalid", {"failed", "timeout"}, "", id="no-such-name"),
        pytest.param("169.254.169.254", {"failed"}, "ASSAY_NOTIFY_METADATA_ADDRESSES", id="metadata"),
        pytest.param("[::ffff:169.254.169.254]", {"failed"}, "ASSAY_NOTIFY_METADATA_ADDRESSES", id="mapped-metadata"),
    ],
)  # fmt: skip
def test_an_address_that_nobody_answers_at(
    impatient: Sender, kind: Kind, address: str, outcome: set[str], detail: str
) -> None:
    done = tried(impatient, kind, f"{'http' if kind == 'webhook' else 'json'}://{address}/{TOKEN}")
    assert done.outcome in outcome
    assert detail in (done.detail or "")
    assert TOKEN not in (done.detail or "")


def test_webhooks_are_signed_over_time_and_body(sender: Sender, receivers: Receivers) -> None:
    tried(sender, "webhook", receivers.url("/signed", ok), KEY)
    (got,) = receivers.got["/signed"]
    stamp, _, told = got.headers["x-assayline-signature"].partition(",v1=")
    stamp = stamp.removeprefix("t=")
    assert told == hmac.new(KEY.encode(), f"{stamp}.".encode() + got.body, hashlib.sha256).hexdigest()
    assert abs(int(stamp) - time.time()) < 60
    assert got.headers["x-assayline-delivery"] == str(MESSAGE.message_id)
    assert got.body == MESSAGE.body


def test_without_a_key_nothing_is_signed(sender: Sender, receivers: Receivers) -> None:
    tried(sender, "webhook", receivers.url("/unsigned", ok))
    assert "x-assayline-signature" not in receivers.got["/unsigned"][0].headers


def test_one_that_hangs_holds_up_nobody(sender: Sender, receivers: Receivers) -> None:
    heard: SimpleQueue[tuple[str, Try]] = SimpleQueue()
    for number in range(6):
        url = receivers.url(f"/stuck/{number}", hang)
        sender.send("webhook", Secret(url, None), MESSAGE, lambda done: heard.put(("stuck", done)))
    sender.send("webhook", Secret(receivers.url("/free", ok), None), MESSAGE, lambda done: heard.put(("free", done)))
    assert heard.get(timeout=PATIENT_S / 2)[0] == "free"


def test_a_lost_process_is_told_and_replaced(sender: Sender, receivers: Receivers) -> None:
    heard: SimpleQueue[Try] = SimpleQueue()
    sender.send("webhook", Secret(receivers.url("/lost", hang), None), MESSAGE, heard.put)
    receivers.wait("/lost")
    assert sender._process is not None
    os.kill(sender._process.pid, signal.SIGKILL)
    done = heard.get(timeout=30)
    assert (done.outcome, "was lost" in (done.detail or "")) == ("failed", True)
    assert tried(sender, "webhook", receivers.url("/after", ok)).outcome == "sent"


def test_the_process_ends_when_idle_and_with_its_server(data_dir: Path, receivers: Receivers) -> None:
    made = Sender(data_dir, metadata=False, limit_s=PATIENT_S, idle_s=0.0)
    tried(made, "webhook", receivers.url("/idle", ok))
    assert made._process is not None
    process = psutil.Process(made._process.pid)
    made.tend()
    assert process.wait(10) is not None or not process.is_running()
    assert tried(made, "webhook", receivers.url("/idle", ok)).outcome == "sent"
    made.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("nonsense", "begins so", id="no-scheme"),
        pytest.param(f"nosuchservice://{TOKEN}", "begins so", id="unknown-service"),
        pytest.param("slack://", "", id="incomplete"),
        pytest.param("syslog://", "whoever sits at the server", id="local"),
        pytest.param("json://169.254.169.254/latest", "ASSAY_NOTIFY_METADATA_ADDRESSES", id="metadata"),
    ],
)
def test_an_address_that_apprise_cannot_use_is_told(sender: Sender, url: str, says: str) -> None:
    with pytest.raises(AddressFaultError) as told:
        sender.check("apprise", url)
    assert says in str(told.value)
    assert TOKEN not in str(told.value)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param(f"ftp://host/{TOKEN}", "http://", id="not-http"),
        pytest.param(f"http:///{TOKEN}", "names a host", id="no-host"),
        pytest.param(f"http://host:port/{TOKEN}", "cannot be read", id="no-port"),
        pytest.param(f"http://[::1/{TOKEN}", "cannot be read", id="no-address"),
        pytest.param(f"http://169.254.169.254/{TOKEN}", "ASSAY_NOTIFY_METADATA_ADDRESSES", id="metadata"),
    ],
)
def test_an_address_that_no_webhook_has_is_told(sender: Sender, url: str, says: str) -> None:
    with pytest.raises(AddressFaultError) as told:
        sender.check("webhook", url)
    assert says in str(told.value)
    assert TOKEN not in str(told.value)


@pytest.mark.parametrize(
    ("kind", "url", "shown"),
    [
        pytest.param(
            "webhook", f"https://u:{TOKEN}@ops.example:8443/{TOKEN}?k={TOKEN}", "https://ops.example:8443/***",
            id="webhook",
        ),
        pytest.param(
            "apprise", f"json://u:{TOKEN}@ops.example/{TOKEN}?+X-Key={TOKEN}", "JSON: json://ops.example/***",
            id="headers-too",
        ),
        pytest.param(
            "apprise", "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops", "Slack: slack://***",
            id="token-for-a-host",
        ),
        pytest.param(
            "apprise", f"mailtos://me:{TOKEN}@example.org?to=you@example.org", "E-Mail: mailtos://example.org:587/***",
            id="mail",
        ),
    ],
)  # fmt: skip
def test_only_kind_host_and_a_mask_are_shown(sender: Sender, kind: Kind, url: str, shown: str) -> None:
    assert sender.check(kind, url) == shown


def test_a_plug_in_reads_no_file_of_the_machine(sender: Sender, data_dir: Path, receivers: Receivers) -> None:
    """A template of Power Automate may be a file: whoever sets channels could send any file of the server's."""
    (data_dir / "template.json").write_text(json.dumps({"text": TOKEN}))
    url = f"workflows://127.0.0.1:{receivers.port}/workflow/signature/?template={data_dir / 'template.json'}"
    done = tried(sender, "apprise", url)
    assert done.outcome != "sent"
    assert not any(TOKEN.encode() in got.body for many in receivers.got.values() for got in many)


def test_mail_that_its_server_refuses(sender: Sender) -> None:
    """A mail server that takes no mail, as real ones say it: by a code of SMTP."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        url = f"mailto://u:{TOKEN}@localhost:{port}?smtp=127.0.0.1&to=you@example.org&from=me@example.org&mode=insecure"
        heard: SimpleQueue[Try] = SimpleQueue()
        sender.send("apprise", Secret(url, None), MESSAGE, heard.put)
        link, _ = listener.accept()
        with link:
            link.sendall(b"554 no mail today\r\n")
            link.recv(100)
        done = heard.get(timeout=30)
    assert (done.outcome, "554" in (done.detail or "")) == ("refused", True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("user @channel is slow", "user @\u200bchannel is slow", id="channel"),
        pytest.param("<!here> <@U1> @Everyone", "<\u200b!here> <\u200b@U1> @\u200bEveryone", id="slack-and-discord"),
        pytest.param("ada@example.org, a < b, @herald", "ada@example.org, a < b, @herald", id="all-else-stays"),
    ],
)
def test_names_out_of_traces_call_nobody(text: str, told: str) -> None:
    assert quietly(text) == told


@pytest.mark.parametrize(
    ("host", "metadata"),
    [
        pytest.param("169.254.169.254", True, id="aws-google-azure"),
        pytest.param("169.254.170.2", True, id="ecs"),
        pytest.param("fd00:ec2::254", True, id="aws-ipv6"),
        pytest.param("fe80::1%eth0", True, id="link-local"),
        pytest.param("100.100.100.200", True, id="alibaba"),
        pytest.param("168.63.129.16", True, id="azure"),
        pytest.param("::ffff:169.254.169.254", True, id="mapped"),
        pytest.param("64:ff9b::a9fe:a9fe", True, id="nat64"),
        pytest.param("127.0.0.1", False, id="this-machine"),
        pytest.param("10.0.0.8", False, id="private"),
        pytest.param("192.168.1.8", False, id="private-too"),
        pytest.param("fd12::8", False, id="private-ipv6"),
        pytest.param("metadata.google.internal", False, id="a-name-is-looked-at-once-resolved"),
    ],
)
def test_addresses_of_metadata(host: str, metadata: bool) -> None:
    assert of_metadata(host) is metadata


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    place = vault.put(Secret("https://host/token", "key"))
    other = vault.put(Secret("https://host/other", None))
    assert (tmp_path / "channels.key").stat().st_mode & 0o777 == 0o600
    assert Vault(tmp_path).get(place) == Secret("https://host/token", "key")
    vault.keep({other})
    assert (vault.get(place), vault.get(other)) == (None, Secret("https://host/other", None))
    assert "token" not in repr(Secret("https://host/token", "key"))


def test_a_damaged_file_of_secrets_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "channels.key").write_text("{")
    with pytest.raises(VaultError, match="Put a copy of the file back"):
        Vault(tmp_path).put(Secret("https://host/token", None))
    assert (tmp_path / "channels.key").read_text() == "{"
