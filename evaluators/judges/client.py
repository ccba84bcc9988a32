"""The way to a provider, through its own maintained client. Each is imported when it is first asked."""

from __future__ import annotations

import asyncio
import functools
import importlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from evaluators.errors import EvaluatorError
from evaluators.judges.model import AskError, Kind, ModelClient, Reply, Request, Usage, Vectors
from evaluators.judges.settings import JudgeSettings

LONGEST = 16 << 20  # bytes of a response, as they come
NO_KEY = "none"  # for an endpoint that wants none: the client sends some


def client_for(settings: JudgeSettings) -> ModelClient:
    """The client of a judge, made for the running event loop.

    Raises:
        EvaluatorError: its key is not set, or its SDK is not installed.
    """
    makers: dict[str, Callable[[JudgeSettings], ModelClient]] = {
        "openai": OpenAIClient, "anthropic": AnthropicClient, "bedrock": BedrockClient,
    }  # fmt: skip
    return makers[settings.provider](settings)


def sdk_of(module: str, extra: str) -> Any:
    """A provider's package. Raises EvaluatorError: it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise EvaluatorError(
            f"A model of provider {extra!r} needs the package {module}: pip install 'assayline[{extra}]'."
        ) from error


async def _bound(response: Any) -> None:
    """Have the body of a response end with an error once it is longer than any answer."""
    import httpx2  # noqa: PLC0415 - the SDKs' own

    class Bounded(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            count = 0
            async for piece in stream:
                count += len(piece)
                if count > LONGEST:
                    raise AskError(
                        "bad_request", f"The model sent more than {LONGEST >> 20} MiB.", billed=True, body="too_large"
                    )
                yield piece

        async def aclose(self) -> None:
            await stream.aclose()

    stream, response.stream = response.stream, Bounded()


@functools.cache
def _certificates() -> Any:
    """Read once: 50 ms for each client else."""
    import httpx2  # noqa: PLC0415 - the SDK's own

    return httpx2.create_ssl_context()


_HOOKS = {"response": [_bound]}


class OpenAIClient:
    """Chat completions of OpenAI, and of all who speak its protocol: vLLM, Ollama, llama.cpp, LM Studio, gateways."""

    def __init__(self, settings: JudgeSettings) -> None:
        import openai  # noqa: PLC0415 - 0.8 s, and only judges need it

        self._sdk, self._format = openai, settings.response_format
        self._client = openai.AsyncOpenAI(
            base_url=settings.base_url or "https://api.openai.com/v1",
            api_key=settings.key() or NO_KEY,
            max_retries=0,
            http_client=openai.DefaultAsyncHttpxClient(verify=_certificates(), event_hooks=_HOOKS),
        )

    async def complete(self, request: Request) -> Reply:
        """One chat completion."""
        body = {
            "model": request.model,
            "messages": [{"role": turn.role, "content": turn.text} for turn in request.turns],
            **request.params,
        }
        if request.schema is not None and self._format != "text":
            body["response_format"] = self._wanted(request.schema)
        where = "/chat/completions"
        data = await _posted(self._client, self._sdk, where, body, _options(request))
        return _openai_reply(data)

    async def embed(self, model: str, texts: Sequence[str], timeout_s: float) -> Vectors:
        """As floats: base64, the SDK's own choice, is not known to every server."""
        body = {"model": model, "input": list(texts), "encoding_format": "float"}
        data = await _posted(self._client, self._sdk, "/embeddings", body, {"timeout": timeout_s})
        vectors = [one["embedding"] for one in _listed(data, "data") if isinstance(one.get("embedding"), list)]
        if len(vectors) != len(texts) or not all(vectors):
            raise AskError("empty", f"{len(texts)} embeddings were asked for, and {len(vectors)} came.")
        return Vectors(vectors, _usage(data.get("usage"), "prompt_tokens", "completion_tokens"))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _wanted(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        if self._format == "json_object":
            return {"type": "json_object"}
        return {"type": "json_schema", "json_schema": {"name": "judgement", "schema": schema}}


def _options(request: Request) -> dict[str, Any]:
    return {"timeout": request.timeout_s, "headers": dict(request.headers)}


async def _posted(client: Any, sdk: Any, path: str, body: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """What an SDK's endpoint answers to a body. Both SDKs are made by one generator and have the same parts.

    The body is read here: other servers' differ from what the SDKs expect, and so do broken ones'.
    """
    import httpx2  # noqa: PLC0415 - the SDKs' own

    try:
        response = await client.post(path, cast_to=httpx2.Response, body=body, options=options)
    except sdk.APIStatusError as error:
        raise _refused(error.status_code, error.response.headers, error.response.text) from error
    except sdk.APITimeoutError as error:
        raise AskError("timeout", f"The model did not answer within {options['timeout']:g} s.", billed=True) from error
    except sdk.APIConnectionError as error:
        if isinstance(error.__cause__, AskError):
            raise error.__cause__ from error
        raise AskError("server", f"The model cannot be reached: {error.__cause__ or error}.", billed=True) from error
    return _body(response.text)


class AnthropicClient:
    """Anthropic's messages."""

    def __init__(self, settings: JudgeSettings) -> None:
        self._sdk = sdk_of("anthropic", "anthropic")
        self._client = self._sdk.AsyncAnthropic(
            base_url=settings.base_url or "https://api.anthropic.com",
            api_key=settings.key() or NO_KEY,
            max_retries=0,
            http_client=self._sdk.DefaultAsyncHttpxClient(verify=_certificates(), event_hooks=_HOOKS),
        )

    async def complete(self, request: Request) -> Reply:
        """One message."""
        body = {
            "max_tokens": 2048,
            **{name: value for name, value in request.params.items() if name != "seed"},  # it has none
            "model": request.model,
            "system": _system(request),
            "messages": [{"role": one.role, "content": one.text} for one in request.turns if one.role != "system"],
        }
        data = await _posted(self._client, self._sdk, "/v1/messages", body, _options(request))
        return _anthropic_reply(data)

    async def embed(self, model: str, texts: Sequence[str], timeout_s: float) -> Vectors:
        """It has none."""
        del timeout_s
        raise AskError("bad_request", f"Anthropic has no embeddings: {model!r} cannot be asked for {len(texts)} texts.")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


class BedrockClient:
    """Bedrock's Converse, the same for all its models. Its SDK blocks, so a thread asks."""

    def __init__(self, settings: JudgeSettings) -> None:
        boto3, config = sdk_of("boto3", "bedrock"), sdk_of("botocore.config", "bedrock")
        self._client = boto3.client(
            "bedrock-runtime", region_name=settings.region, endpoint_url=settings.base_url,
            config=config.Config(
                retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=settings.call_timeout_s,
                max_pool_connections=settings.concurrency,
            ),
        )  # fmt: skip
        self._faults = sdk_of("botocore.exceptions", "bedrock")

    async def complete(self, request: Request) -> Reply:
        """One conversation."""
        return await asyncio.to_thread(self._converse, request)

    def _converse(self, request: Request) -> Reply:
        names = {"temperature": "temperature", "max_tokens": "maxTokens", "top_p": "topP", "stop": "stopSequences"}
        told = {names[name]: value for name, value in request.params.items() if name in names}
        turns = [{"role": one.role, "content": [{"text": one.text}]} for one in request.turns if one.role != "system"]
        try:
            said = self._client.converse(
                modelId=request.model, messages=turns, system=[{"text": _system(request)}], inferenceConfig=told
            )
        except self._faults.ClientError as error:
            meta = error.response.get("ResponseMetadata", {})
            status = int(meta.get("HTTPStatusCode", 500))
            raise _refused(status, meta.get("HTTPHeaders", {}), str(error)) from error
        except (self._faults.ReadTimeoutError, self._faults.ConnectTimeoutError) as error:
            raise AskError("timeout", f"The model did not answer in time: {error}.", billed=True) from error
        except self._faults.BotoCoreError as error:
            kind: Kind = "auth" if "Credentials" in type(error).__name__ else "server"
            raise AskError(kind, f"The model cannot be reached: {error}.", billed=kind == "server") from error
        return _bedrock_reply(said, request.model)

    async def embed(self, model: str, texts: Sequence[str], timeout_s: float) -> Vectors:
        """Each of its models has a form of its own; none is supported."""
        del timeout_s
        raise AskError("bad_request", f"Embeddings of bedrock are not supported: {model!r}, {len(texts)} texts.")

    async def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _system(request: Request) -> str:
    return "\n\n".join(turn.text for turn in request.turns if turn.role == "system")


def _body(text: str) -> dict[str, Any]:
    """What the body of a 200 holds."""
    if not text.strip():
        raise AskError("empty", "The model's response has no body.", billed=True, body="garbage")
    try:
        data = json.loads(text)
    except ValueError as error:
        raise AskError(
            "server", f"The model's response is not JSON: {text[:200]}", billed=True, body="garbage"
        ) from error
    if not isinstance(data, dict):
        raise AskError("server", f"The model's response is no JSON object: {text[:200]}", billed=True, body="garbage")
    return data


def _refused(status: int, headers: Mapping[str, str], text: str) -> AskError:
    """The error of a status that is none of success."""
    message = f"The model's endpoint answered {status}: {text.strip()[:300] or 'nothing more'}"
    kinds: dict[int, Kind] = {401: "auth", 403: "auth", 408: "timeout", 409: "server", 429: "rate_limited"}
    kind: Kind = kinds.get(status, "server" if status >= 500 else "bad_request")
    pause = retry_after(headers) if kind in {"rate_limited", "server"} else None
    return AskError(kind, message, retry_after_s=pause, status=status)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the endpoint asks to wait, as a number or a date (RFC 9110, 10.2.3); null: it does not say."""
    exactly, told = headers.get("retry-after-ms"), headers.get("retry-after")
    with suppress(ValueError):
        if exactly is not None:
            return max(0.0, float(exactly) / 1000)
    if told is None:
        return None
    with suppress(ValueError):
        return max(0.0, float(told))
    with suppress(ValueError):
        return max(0.0, parsedate_to_datetime(told).timestamp() - time())
    return None


def _listed(data: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = data.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _usage(told: Any, given: str, made: str) -> Usage:
    if not isinstance(told, dict):
        return Usage()
    counts = [told.get(name) for name in (given, made)]
    return Usage(*(count if isinstance(count, int) and count >= 0 else None for count in counts))


def _openai_reply(data: dict[str, Any]) -> Reply:
    choices = _listed(data, "choices")
    usage = _usage(data.get("usage"), "prompt_tokens", "completion_tokens")
    model, told_id = data.get("model"), data.get("id")
    if not choices:
        return Reply("", "stop", usage, model, told_id)
    message = choices[0].get("message")
    held = message if isinstance(message, dict) else {}
    refusal, finish = held.get("refusal"), choices[0].get("finish_reason")
    if refusal or finish == "content_filter":
        return Reply(str(refusal or held.get("content") or ""), "refused", usage, model, told_id)
    text = held.get("content")
    return Reply(_text(text), "length" if finish == "length" else "stop", usage, model, told_id)


def _text(content: Any) -> str:
    """Text, or the text parts of a list of parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _anthropic_reply(data: dict[str, Any]) -> Reply:
    told = _usage(data.get("usage"), "input_tokens", "output_tokens")
    return Reply(
        _text(data.get("content")), _FINISH.get(str(data.get("stop_reason")), "stop"), told, data.get("model"),
        data.get("id"),
    )  # fmt: skip


def _bedrock_reply(data: dict[str, Any], model: str) -> Reply:
    message = data.get("output", {}).get("message", {})
    usage = _usage(data.get("usage"), "inputTokens", "outputTokens")
    told = data.get("ResponseMetadata", {}).get("RequestId")
    return Reply(_text(message.get("content")), _FINISH.get(str(data.get("stopReason")), "stop"), usage, model, told)


_FINISH: dict[str, Any] = {
    "max_tokens": "length", "model_context_window_exceeded": "length", "refusal": "refused",
    "guardrail_intervened": "refused", "content_filtered": "refused",
}  # fmt: skip
