"""Real data through a real server and its monitors: what moved is told, with its time; what did not is left in peace.

    python benchmarks/real_drift.py                  # some minutes
    python benchmarks/real_drift.py --only llmdrift

LLMDrift has the same questions answered by the March and the June 2023 snapshots of two models. Its March answers are
sent as four weeks of calls, its June answers as the four weeks after them, and monitors watch them with March as their
reference. What really moved is worked out beside, question by question, by paired tests of scipy, which no monitor has.
Then each snapshot's answers are dealt to both stretches by chance, so that nothing moved.

ServeGen's recorded day of requests and Azure's recorded hour are sent as calls, as they are, which is too short for a
monitor; and ServeGen's day five times seven days over, each call with the tokens of one of Azure's, in which the season
of the day must raise nothing. Exit code 1 when a bound is broken.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from _server import Server, shared
from scipy import stats

from server.aside import Inline
from server.client import Client
from server.core import Core
from server.demo.export import SECOND, Sample, Score, evaluation, span, stable_id, text_message
from server.demo.export import as_json as as_text
from server.demo.sender import Sender
from server.monitors.loop import Monitoring
from server.monitors.monitors import put
from server.monitors.terms import Terms
from server.settings import Settings
from store import alerts
from store import monitors as store
from store.alerts import Alert
from store.monitors import Monitor
from store.readers import ReaderPool

STRETCH = timedelta(days=28)
EVER = datetime(2020, 1, 1, tzinfo=UTC)
FAMILIES = {  # service: its snapshots of March and June
    "gpt-4": ("gpt-4-0314", "gpt-4-0613"),
    "gpt-3.5-turbo": ("gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613"),
}
TASKS = {  # file: its score, and the column that has it; null: the answer is compared with the truth
    "prime_full_eval.jsonl.gz": ("right", None),
    "sensitiveq_eval.jsonl.gz": ("answered", "Response Rate"),
    "leetcode_easy_eval.jsonl.gz": ("directly_usable", "Directly Usable"),
}
MANY = 300  # answers of a stretch, from which each day is looked at
MOVED, STILL = 1e-5, 0.05  # p-values of the paired test below which a signal moved for sure, and above which it did not

Row = dict[str, Any]


class Bounds:
    """Prints a line, and remembers whether what it promises holds."""

    def __init__(self) -> None:
        self.broken = 0

    def line(self, name: str, figures: str, *, holds: bool = True) -> None:
        self.broken += not holds
        print(f"{name:<58} {figures}{'' if holds else '   BROKEN'}", flush=True)


def settled(server: Server, seconds: float = 600) -> None:
    """Waits until all that was sent is resolved, and stops the server, so that the store is free."""
    until, before = time.monotonic() + seconds, ""
    with Client(server.api, "default") as client:
        while time.monotonic() < until:
            mark = client.query("calls_totals", since=EVER, until=datetime.now(UTC)).watermark
            if mark == before:
                break
            before = mark
            time.sleep(3)
    print(f"the server took {server.cpu_s():.0f} s of CPU for what was sent", flush=True)
    server.stop()


@dataclass(frozen=True, slots=True)
class Stood:
    """Monitors as they stand after they have looked back, by name."""

    states: dict[str, Monitor]
    alerts: dict[str, Alert]
    fired: set[str]  # at any look; of what was over before it was set there is no alert

    def said(self, name: str) -> float | None:
        """False alarms a month; null: not worked out."""
        told = json.loads(self.states[name].calibration or "{}").get("false_alarms")
        return None if told is None else float(told["value"])

    def season(self, name: str) -> str | None:
        return str(json.loads(self.states[name].fitted or "{}").get("season"))


def looked(folder: Path, monitors: dict[str, Row], calibrated: int) -> Stood:
    """Each monitor set over the store that the server filled, and how it stands after one round.

    In this process, as the server's own goes after everything else; of the first so many false alarms are worked out.
    """
    core = Core.open(Settings(data_dir=folder))
    try:
        watch = Monitoring(core, Inline(ReaderPool(core.database, 1, 600)))
        now = datetime.now(UTC).replace(tzinfo=None)
        for name, terms in monitors.items():
            made = put(core, "default", name, Terms.model_validate(terms), "benchmark", now)
        watch.rounds.of_project(made.project_id, now)
        watch.calibrate(now, calibrated)
        with core.readers.read() as cursor:
            states = {one.name: one for one in store.monitors(cursor, made.project_id)}
            told = alerts.listed(cursor, made.project_id, "all", limit=1000).alerts
            fired = {
                name for name, one in states.items()
                if any(look.state == "firing" for look in store.looks(cursor, one.monitor_id, 1_000))
            }  # fmt: skip
        return Stood(states, {one.monitor: one for one in told}, fired)
    finally:
        core.close()


# LLMDrift.


def answers(file: Path) -> list[Row]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def score_of(row: Row, column: str | None) -> float:
    if column is not None:
        return float(row[column])
    return float(f"[{row['ref_answer'].capitalize()}]" in row["answer"])  # as the question asks for it


def sent(rows: Sequence[Row], service: str, release: str, begin: datetime, rng: np.random.Generator) -> Sample:
    """The answers in an order of chance, at times of chance within a stretch."""
    made = Sample(service, "llmdrift", "duration measured; times by chance", version=release)
    starts = np.sort(rng.random(len(rows))) * STRETCH.total_seconds()
    for at, start in zip(rng.permutation(len(rows)), starts, strict=True):
        row = rows[int(at)]
        begins = int((begin.timestamp() + float(start)) * SECOND)
        chat = call(row, service, release, begins)
        made.spans.append(chat)
        name, column = TASKS[row["file"]]
        value = score_of(row, column)
        told = Score(name, value, "yes" if value else "no", "llmdrift")
        made.events.append(evaluation(told, chat.end_time_unix_nano, target=chat))
    return made


def call(row: Row, service: str, release: str, begins: int) -> Any:
    """A call to the family's name, answered by a snapshot: the change of model that traffic shows."""
    key = (service, release, row["file"], row["dataset"], row["id"])
    snapshot = row["model"].rpartition("/")[2]
    return span(
        (stable_id(16, *key), stable_id(8, *key), None),
        f"chat {snapshot}",
        (begins, begins + round(float(row["latency"]) * SECOND)),
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": snapshot[:-5],
            "gen_ai.response.model": snapshot,
            "gen_ai.input.messages": as_text([text_message("user", row["query"])]),
            "gen_ai.output.messages": as_text([text_message("assistant", row["answer"])]),
            "gen_ai.usage.output_tokens": int(row["answer_token"]),
            "gen_ai.cost.total_cost": float(row["cost"]),
            "tag.tags": [row["file"].split("_")[0]],
        },
    )


SIGNALS = {  # of every answer, beside its score
    "output_tokens": lambda row: float(row["answer_token"]),
    "output_length": lambda row: float(len(row["answer"])),
    "duration": lambda row: float(row["latency"]),
}


def truth(march: Sequence[Row], june: Sequence[Row], signal: str) -> float:
    """The p-value of no change, question by question: McNemar's of scores, Wilcoxon's of numbers."""
    second = {(row["dataset"], row["id"]): row for row in june}
    pairs = [(row, second[row["dataset"], row["id"]]) for row in march if (row["dataset"], row["id"]) in second]
    column = TASKS[march[0]["file"]][1]
    read = SIGNALS.get(signal) or (lambda row: score_of(row, column))
    gaps = np.array([read(after) - read(before) for before, after in pairs])
    if signal not in SIGNALS:
        up, down = int((gaps > 0).sum()), int((gaps < 0).sum())
        return float(stats.binomtest(up, up + down).pvalue) if up + down else 1.0
    return float(stats.wilcoxon(gaps).pvalue) if gaps.any() else 1.0


def monitors_of(service: str, rows: Sequence[Row], begin: datetime) -> dict[str, Row]:
    """Of a service, by task and signal: of many answers two days each hour against March, else a month as a whole."""
    turn = begin + STRETCH
    found = {}
    for file, (score, _) in TASKS.items():
        count = sum(row["file"] == file for row in rows)
        many = count >= MANY
        against = {"since": begin.isoformat(), "until": turn.isoformat()} if many else {"release": "before"}
        for signal in ("score", *SIGNALS):
            named = score if signal == "score" else signal
            found[f"{service}.{file.split('_')[0]}.{named}"] = {
                "signal": signal, "score": score if signal == "score" else None, "against": against,
                "where": {"service": service, "tag": file.split("_")[0]},
                "window": "2d" if many else "28d", "every": "1h" if many else "1d",
                "alert": {"kind": "drift", "persist": "2/3" if many else "1/1"},
            }  # fmt: skip
    return found


def llmdrift(bounds: Bounds, data: Path, server: Server, rng: np.random.Generator) -> None:
    every = [{**row, "file": name} for name in TASKS for row in answers(data / "llmdrift" / name)]
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 2 * STRETCH
    sides: dict[str, tuple[list[Row], list[Row]]] = {}
    for family, names in FAMILIES.items():
        march, june = ([row for row in every if row["model"].endswith(name)] for name in names)
        sides[family] = march, june
        sides |= {f"{name}-halves": halves(rows, rng) for name, rows in zip(names, (march, june), strict=True)}
    with Sender(server.otlp) as sender:
        for service, stretches in sides.items():
            for place, (rows, release) in enumerate(zip(stretches, ("before", "after"), strict=True)):
                for export in sent(rows, service, release, begin + place * STRETCH, rng).exports():
                    sender.send(export)
    settled(server)
    monitors: dict[str, Row] = {}
    for service, (before, _) in sides.items():
        monitors |= monitors_of(service, before, begin)
    judged(bounds, looked(server.data_dir, monitors, len(monitors)), sides, begin + STRETCH)


def halves(rows: Sequence[Row], rng: np.random.Generator) -> tuple[list[Row], list[Row]]:
    """Of one snapshot, by chance: nothing moved between them."""
    first = rng.random(len(rows)) < 0.5
    parts = [[row for row, there in zip(rows, first, strict=True) if there == side] for side in (True, False)]
    return parts[0], parts[1]


def judged(bounds: Bounds, found: Stood, sides: dict[str, tuple[list[Row], list[Row]]], turn: datetime) -> None:
    """What moved has fired, with its time and cause; what did not has not; halves have not."""
    print(f"\nLLMDrift, March against June by {len(found.states)} monitors; June begins at {turn:%Y-%m-%d %H:%M}")
    for name, one in found.states.items():
        service, task, signal = name.rsplit(".", 2)
        if service.endswith("-halves"):
            continue
        file = next(file for file in TASKS if file.startswith(task))
        march, june = ([row for row in side if row["file"] == file] for side in sides[service])
        p, alert = truth(march, june, signal), found.alerts.get(name)
        right = name in found.fired if p < MOVED else name not in found.fired or p < STILL
        told = f"p of pairs {p:.1e}: {_told(one, alert, fired=name in found.fired)}"
        bounds.line(name, told, holds=right or (p < MOVED and one.state == "insufficient data"))
        if alert is not None:
            _timed(bounds, alert, turn.replace(tzinfo=None))
    quiet = [name for name in found.states if "-halves." in name]
    fired = [name for name in quiet if name in found.fired]
    little = sum(found.states[name].state == "insufficient data" for name in quiet)
    said = sum(found.said(name) or 0.0 for name in quiet) * STRETCH.days / 30
    told = f"{len(fired)} of {len(quiet)} fired, {little} with too little data; said {said:.2f}"
    bounds.line(
        "halves of one snapshot", f"{told} {', '.join(fired)}", holds=len(fired) <= stats.poisson.ppf(0.99, said)
    )


def _told(one: Monitor, alert: Alert | None, *, fired: bool) -> str:
    if alert is None and fired:
        return f"fired, and was over by the end, {one.state}"
    if alert is None:
        return f"silent, {one.state}" + (f" ({one.why})" if one.why else "")
    return f"fired, {alert.cause}"


def _timed(bounds: Bounds, alert: Alert, turn: datetime) -> None:
    """The alert's time of change."""
    ends = [alert.since_low, alert.changed_since, alert.since_high]
    if None in ends:
        bounds.line("", "no time named")
        return
    low, at, high = [(end - turn) / timedelta(hours=1) for end in ends if end is not None]
    bounds.line("", f"changed {at:+.0f} h from it ({low:+.0f} to {high:+.0f})", holds=low - 1 <= 0 <= high + 1)


# The load of public traces.

WEEKS = 5
DAILY = 800  # calls that a recorded day is thinned to


def arrivals(file: Path, rng: np.random.Generator) -> np.ndarray:
    """Seconds of a day at which ServeGen's 40 clients ask: each window's number by its rate and burstiness."""
    found = []
    for row in answers(file):
        mean = row["rate"] * 600
        if mean <= 0:
            continue
        spread = max(mean * max(row["cv"], 1.0) ** 2, mean)  # of a renewal process's count, in the long run
        count = rng.negative_binomial(mean**2 / (spread - mean), mean / spread) if spread > mean else rng.poisson(mean)
        found.append(row["t"] + 600 * rng.random(int(count)))
    return np.concatenate(found)


def thinned(times: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    return np.sort(times[rng.random(times.size) < share])


def load(bounds: Bounds, data: Path, server: Server, rng: np.random.Generator) -> None:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with gzip.open(data / "azure_llm_2023" / "AzureLLMInferenceTrace_conv.csv.gz", "rt", encoding="utf-8") as lines:
        requests = list(csv.DictReader(lines))
    tokens = np.array([(int(row["ContextTokens"]), int(row["GeneratedTokens"])) for row in requests])
    stamps = np.array([np.datetime64(row["TIMESTAMP"][:26]) for row in requests])
    hour = np.sort((stamps - stamps[0]) / np.timedelta64(1, "s"))
    servegen = data / "servegen" / "deepseek_r1_client_rates.jsonl.gz"
    whole = arrivals(servegen, rng)
    share = DAILY / whole.size
    begin = now - timedelta(weeks=WEEKS)
    with Sender(server.otlp) as sender:
        sent_calls(sender, "azure-hour", now - timedelta(hours=1), hour, tokens)
        sent_calls(sender, "servegen-day", now - timedelta(days=1), thinned(whole, share, rng), None)
        for day in range(7 * WEEKS):
            times = thinned(arrivals(servegen, rng), share, rng)
            drawn = tokens[rng.integers(0, len(tokens), times.size)]
            sent_calls(sender, "replayed", begin + timedelta(days=day), times, drawn)
    settled(server)
    judged_load(bounds, server.data_dir, begin, now)


def sent_calls(sender: Sender, service: str, begin: datetime, seconds: np.ndarray, tokens: np.ndarray | None) -> None:
    """Calls at these times; `tokens`: input and output of each, null: unknown."""
    made = Sample(service, "load", "times as recorded, or drawn by recorded rates")
    for place, second in enumerate(seconds.tolist()):
        begins = int((begin.timestamp() + second) * SECOND)
        key = (service, begin.isoformat(), place)
        known = {} if tokens is None else {
            "gen_ai.usage.input_tokens": int(tokens[place][0]), "gen_ai.usage.output_tokens": int(tokens[place][1]),
        }  # fmt: skip
        made.spans.append(span(
            (stable_id(16, *key), stable_id(8, *key), None), "chat", (begins, begins + SECOND),
            {"gen_ai.operation.name": "chat", "gen_ai.request.model": "served", **known},
        ))  # fmt: skip
    for export in made.exports():
        sender.send(export)


def judged_load(bounds: Bounds, folder: Path, begin: datetime, now: datetime) -> None:
    usual = ("volume", "input_tokens", "output_tokens")
    week = timedelta(weeks=1)
    against = {"since": begin.isoformat(), "until": (now - week).isoformat()}
    short = [f"azure-hour.{signal}" for signal in usual] + ["servegen-day.volume"]
    monitors: dict[str, Row] = {}
    for name in short:
        service, _, signal = name.partition(".")
        monitors[name] = {"signal": signal, "where": {"service": service}}
    for signal in usual:
        for window in ("1h", "1d"):
            monitors[f"replayed.{signal}.{window}"] = {
                "signal": signal, "where": {"service": "replayed"}, "window": window, "against": against,
                "alert": {"kind": "drift", "season": "auto", "least": 10},
            }  # fmt: skip
    found = looked(folder, monitors, len(monitors))
    print("\nThe recorded hour and day, and five weeks of such days with the tokens of the recorded hour")
    for name in monitors:
        one, said, fired = found.states[name], found.said(name), name in found.fired
        told = f"{one.state}, season {found.season(name)}, {'fired' if fired else 'no alert'}"
        told += f", said {said:.3f} a month" if said is not None else f" ({one.why})" if one.why else ""
        bounds.line(name, told, holds=not fired and (name not in short or one.state == "insufficient data"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["llmdrift", "load"], help="one part")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    data = shared("data")
    if data is None:
        return 0
    bounds, rng = Bounds(), np.random.default_rng(options.seed)
    for name, part in (("llmdrift", llmdrift), ("load", load)):
        if options.only in {None, name}:
            with tempfile.TemporaryDirectory() as folder:
                server = Server(Path(folder))
                server.start(300)
                part(bounds, data, server, rng)
    print(f"\n{time.process_time():.0f} s of CPU of this process")
    return int(bounds.broken > 0)


if __name__ == "__main__":
    sys.exit(main())
