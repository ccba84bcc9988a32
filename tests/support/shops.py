"""A store with a resolver that works when it is told to, and traffic of a shop over three days."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from stores import put_empty

from collectors.facts import ScoreFacts
from collectors.frames import score_table
from collectors.normalising.options import NormaliserOptions
from collectors.otlp import decode
from collectors.receivers.sink import ExportRequest
from server.aside import Ask, asking
from server.batches import BatchMaker
from server.resolver import Resolver
from store.batch import Batch
from store.database import Database
from store.readers import ReaderPool
from store.writer import Writer

START = datetime(2026, 3, 2)  # noqa: DTZ001 - UTC without a zone is what the store holds
REFUSAL = "I'm sorry, but I can't help with that request."


@dataclass(frozen=True)
class Arrival:
    """One trace of one call, as its sender knows it."""

    number: int
    at: datetime
    service: str
    failed: bool
    tokens: tuple[int, int] | None  # input and output; null: not told
    cached: int | None
    lasts_ms: int
    answer: str
    finish: str
    session: str | None
    documents: list[float] | None  # scores of what was found; null: nothing was looked for
    tool: str | None

    @property
    def trace_id(self) -> bytes:
        return self.number.to_bytes(16, "big")


def arrivals(seed: int, count: int = 400, hours: float = 72) -> list[Arrival]:
    """Traces at random over three days."""
    rng = np.random.default_rng(seed)
    found = []
    for number, hour in enumerate(np.sort(rng.uniform(0, hours, count)), 1):
        told = rng.random() < 0.8
        found.append(Arrival(
            number, START + timedelta(microseconds=int(hour * 3.6e9)), f"svc{rng.integers(2)}",
            bool(rng.random() < 0.2),
            (int(rng.integers(50, 500)), int(rng.integers(1, 90))) if told else None,
            int(rng.integers(0, 50)) if told and rng.random() < 0.5 else None, int(rng.integers(50, 4_000)),
            REFUSAL if rng.random() < 0.3 else "Your parcel leaves our warehouse on Monday morning.",
            str(rng.choice(["stop", "length", "content_filter"], p=[0.8, 0.15, 0.05])),
            f"s{rng.integers(40)}" if rng.random() < 0.7 else None,
            [round(float(one), 2) for one in rng.random(rng.integers(1, 4))] if rng.random() < 0.5 else None,
            f"tool{rng.integers(3)}" if rng.random() < 0.5 else None,
        ))  # fmt: skip
    return found


@dataclass
class Shop:
    """The open store."""

    database: Database
    writer: Writer
    readers: ReaderPool
    resolver: Resolver
    telling: Any

    def send(self, *many: Arrival) -> None:
        """One request with these traces."""
        body = b"".join(self._body(one) for one in many)
        request = ExportRequest("traces", "http-protobuf", body, None)
        batch, _ = BatchMaker(NormaliserOptions()).make(decode("traces", "http-protobuf", body), request, 1)
        self.writer.submit(batch).result(20)

    def _body(self, one: Arrival) -> bytes:
        start = int((one.at - datetime(1970, 1, 1)) / timedelta(microseconds=1)) * 1_000  # noqa: DTZ001 - as above
        trace = self.telling(one.trace_id, start, service=one.service)
        named = {} if one.session is None else {"session__id": one.session}
        call: dict[str, Any] = {
            "gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-4o", "gen_ai__provider__name": "openai",
            "gen_ai__response__finish_reasons": json.dumps([one.finish]),
            "gen_ai__input__messages": said("user", f"Where is parcel {one.number % 10} of my order?"),
            "gen_ai__output__messages": said("assistant", one.answer),
        }  # fmt: skip
        if one.tokens is not None:
            call |= {"gen_ai__usage__input_tokens": one.tokens[0], "gen_ai__usage__output_tokens": one.tokens[1]}
        if one.cached is not None:
            call["gen_ai__usage__cache_read__input_tokens"] = one.cached
        trace.span(1, "chat gpt-4o", 0, one.lasts_ms, error="boom" if one.failed else None, **call, **named)
        if one.documents is not None:
            found = [{"id": str(place), "content": "x", "score": score} for place, score in enumerate(one.documents)]
            looked = {"gen_ai__operation__name": "retrieval", "gen_ai__retrieval__documents": json.dumps(found)}
            trace.span(2, "look", 1, 5, parent=1, **looked)
        if one.tool is not None:
            trace.span(3, "tool", 1, 5, parent=1, gen_ai__operation__name="execute_tool", gen_ai__tool__name=one.tool)
        return bytes(trace.body())

    def resolve(self) -> None:
        while self.resolver.run_once():
            pass

    def sum_calls(self) -> None:
        while self.resolver.sum_calls(timedelta(0)):
            pass

    def score(self, *many: dict[str, Any]) -> None:
        """Scores, each with what it says other than nothing."""
        empty = dict.fromkeys((
            "trace_id", "span_id", "session_id", "response_id", "carrier_trace_id", "carrier_span_id", "value", "label",
            "explanation", "evaluator", "evaluator_version", "author", "error_type",
        ))  # fmt: skip
        at_ns = int((START - datetime(1970, 1, 1)) / timedelta(microseconds=1)) * 1_000  # noqa: DTZ001 - as above
        facts = [ScoreFacts(**{**empty, "source": "llm", "time_ns": at_ns, **one}) for one in many]
        self.writer.submit(Batch(1, "api", "scores", {}, scores=score_table(facts))).result(10)

    def rows(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        with self.readers.read() as con:
            return con.execute(sql, list(params)).fetchall()

    def ask(self, name: str, **params: object) -> Any:
        """As `server.aside.Ask`, each question in a snapshot of its own."""
        with self.readers.read() as con:
            asked: Ask = asking(con, 1)
            return asked(name, **params)

    def close(self) -> None:
        self.resolver.stop()
        self.writer.close()
        self.database.close()


def said(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def opening(tmp_path_factory: pytest.TempPathFactory, telling: Any) -> Iterator[Callable[[], Shop]]:
    """What a fixture yields from: opens a store as often as it is called, and closes all."""
    opened: list[Shop] = []

    def make() -> Shop:
        folder = tmp_path_factory.mktemp("shop")
        put_empty(folder)
        database = Database.open(folder)
        writer, readers = Writer(database, min_free_bytes=0), ReaderPool(database)
        opened.append(Shop(database, writer, readers, Resolver(readers, writer), telling))
        return opened[-1]

    yield make
    for shop in opened:
        shop.close()


def filled(shop: Shop, seed: int) -> tuple[Shop, list[Arrival]]:
    """A shop, and what came to it: some late, after sums were made, and some twice. Every third trace is scored."""
    many = arrivals(seed)
    rng = np.random.default_rng(seed)
    late = rng.random(len(many)) < 0.1
    shop.send(*(one for one, after in zip(many, late, strict=True) if not after))
    shop.resolve()
    shop.sum_calls()
    shop.send(*(one for one, after in zip(many, late, strict=True) if after))
    shop.send(*many[::5])
    shop.resolve()
    shop.score(*(
        {"trace_id": one.trace_id, "name": "quality", "evaluator": "relevance", "evaluator_version": "1"}
        | ({"error_type": "TimeoutError"} if one.number % 5 == 0 else {"value": one.number % 10 / 10})
        for one in many if one.number % 3 == 0
    ))  # fmt: skip
    shop.score(*(
        {"trace_id": one.trace_id, "name": "quality", "source": "human", "value": float(one.number % 2)}
        for one in many if one.number % 12 == 0
    ))  # fmt: skip
    return shop, many
