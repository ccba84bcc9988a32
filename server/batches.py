"""A decoded request as the writer's batch. Pure; runs in the decoding processes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from collectors import frames
from collectors.model import Decoded, RawLog, RawSpan, Rejection, service_of
from collectors.normalise import normalise
from collectors.normalising.identity import hashed_authors
from collectors.normalising.options import NormaliserOptions
from collectors.scores import scores_of_log, scores_of_span
from store.batch import Batch, RejectedItems

log = logging.getLogger(__name__)
NOT_MAPPED = "not_mapped"  # reason of rejection: our own code failed on the item
SAMPLE_CHARS = 200
Item = TypeVar("Item", RawSpan, RawLog)


class Told(Protocol):
    """What a batch says of the request that it was."""

    @property
    def signal(self) -> str: ...
    @property
    def source(self) -> str: ...


@dataclass(frozen=True, slots=True)
class BatchMaker:
    """Decoded requests of any project to batches."""

    options: NormaliserOptions

    def make(self, decoded: Decoded, request: Told, project_id: int) -> tuple[Batch, list[Rejection]]:
        """The batch, and all of its rejections. An item that our code fails on is rejected; its neighbours are kept."""
        try:
            return self._batch(decoded, request, project_id), decoded.rejections
        except Exception:
            log.exception("a request of %s cannot be mapped whole; its items are tried one by one", request.source)
        spans, bad_spans = self._sound(decoded.spans, lambda item: replace(decoded, spans=[item], logs=[]), request)
        logs, bad_logs = self._sound(decoded.logs, lambda item: replace(decoded, spans=[], logs=[item]), request)
        sound = replace(decoded, spans=spans, logs=logs, rejections=[*decoded.rejections, *bad_spans, *bad_logs])
        return self._batch(sound, request, project_id), sound.rejections

    def _sound(
        self, items: list[Item], alone: Callable[[Item], Decoded], request: Told
    ) -> tuple[list[Item], list[Rejection]]:
        kept: list[Item] = []
        bad: list[Rejection] = []
        for item in items:
            try:
                self._batch(alone(item), request, 0)
            except Exception as error:  # noqa: BLE001 - a bug of ours must cost this item alone
                bad.append(Rejection(service_of(item.origin.resource) or "", NOT_MAPPED, _sample(item, error)))
            else:
                kept.append(item)
        return kept, bad

    def _batch(self, decoded: Decoded, request: Told, project_id: int) -> Batch:
        facts = [normalise(span, self.options) for span in decoded.spans]
        scores = [
            score for span, fact in zip(decoded.spans, facts, strict=True) for score in scores_of_span(span, fact)
        ]
        scores += [score for record in decoded.logs for score in scores_of_log(record)]
        if self.options.hash_user_ids:
            scores = hashed_authors(scores, self.options.user_id_key)
        # By identity first: a request has one or two origins and hundreds of spans.
        origins = {id(span.origin): span.origin for span in decoded.spans}
        origins |= {id(record.origin): record.origin for record in decoded.logs}
        return Batch(
            project_id,
            request.source,
            request.signal,
            decoded.received,
            tuple(RejectedItems(one.service, one.reason, one.sample, one.count) for one in decoded.rejections),
            spans=frames.span_table(decoded.spans, facts) if decoded.spans else None,
            logs=frames.log_table(decoded.logs, time.time_ns()) if decoded.logs else None,
            scores=frames.score_table(scores) if scores else None,
            origins=frames.origin_table(origins.values()) if origins else None,
            tool_definitions=frames.tool_definition_table(facts)
            if any(one.tool_definitions for one in facts)
            else None,
        )


def _sample(item: RawSpan | RawLog, error: Exception) -> str:
    name = item.name if isinstance(item, RawSpan) else item.event_name
    return f"{name}: {type(error).__name__}: {error}"[:SAMPLE_CHARS]
