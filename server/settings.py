"""Settings of every process, in one frozen object: flags over environment over file over defaults."""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, HttpUrl
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

Port = Annotated[int, Field(ge=0, le=65535)]
Memory = Annotated[str, Field(pattern=r"^\d+(\.\d+)? ?(?i:[KMGT]i?B)$")]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(lambda name: str(name).upper())]
MIB = 1024 * 1024


PREFIX, FILE_SETTING = "ASSAY_", "CONFIG_FILE"


class SettingsFileError(Exception):
    """The settings file that was asked for is not there, or cannot be read."""


class Settings(BaseSettings):
    """Every setting, its default and its unit. Environment names are `ASSAY_` plus the upper-case name; empty is unset.

    The file is `assayline.toml` in the working folder, or the one named by `ASSAY_CONFIG_FILE`.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    data_dir: Path = Field(Path("assay-data"), description="Folder of the store, its exports and its lock.")
    host: str = Field(  # empty would be every address: `--host "$UNSET"` must not open the network
        "127.0.0.1", min_length=1, description="Address that every server binds to; 0.0.0.0 opens it to the network."
    )
    otlp_http_port: Port = Field(4318, description="OTLP over HTTP; 0 picks a free port.")
    otlp_grpc_port: Port = Field(4317, description="OTLP over gRPC; 0 picks a free port.")
    api_port: Port = Field(8420, description="HTTP API; 0 picks a free port.")
    app_port: Port = Field(8501, description="Streamlit app.")
    allowed_hosts: tuple[str, ...] = Field(
        (),
        description="Names, besides this machine's own, under which browsers may reach the API; addresses always may.",
    )
    api_url: HttpUrl | None = Field(None, description="Where clients find the API; default: http://host:api_port.")

    app_url: HttpUrl | None = Field(
        None, description="Where people find the app, for links in messages; default: http://host:app_port."
    )

    otlp_path_prefixes: tuple[str, ...] = Field(
        ("/api/public/otel",),
        description="Extra path prefixes under which /v1/traces, /v1/logs and /v1/metrics are also served.",
    )
    otlp_max_bytes: int = Field(
        64 * MIB, gt=0, description="Largest request, in bytes, on the wire and after inflation."
    )
    otlp_cors_origins: tuple[str, ...] = Field(
        (), description="Browser origins that may send telemetry; none by default."
    )
    queue_max_bytes: int = Field(
        256 * MIB,
        gt=0,
        description="Undecoded and unwritten requests held in memory, in bytes; beyond it senders are told to wait.",
    )
    decode_processes: int = Field(2, ge=1, description="Processes that decode requests; they start when work comes.")
    retry_after_s: float = Field(
        1.0, gt=0, description="Seconds that a sender is asked to wait when a request cannot be taken."
    )
    drain_s: float = Field(10.0, ge=0, description="Seconds that requests in flight get to finish on SIGTERM.")

    min_free_bytes: int = Field(
        1024 * MIB,
        ge=0,
        description="Ingest is refused while the disk has less free space than this or twice the WAL, in bytes.",
    )
    memory_limit: Memory = Field("512MB", description="DuckDB's memory limit.")
    query_threads: int = Field(4, ge=1, description="Reads that run at once; questions in SQL take half at most.")
    query_timeout_s: float = Field(20.0, gt=0, description="Seconds after which a read is interrupted.")
    query_max_rows: int = Field(
        100_000, gt=0, description="Rows that one answer holds at most; a longer answer is cut and says so."
    )

    judges_file: Path | None = Field(
        None, description="YAML file of judges, for jobs that ask a model; see README. Keys stay in the environment."
    )
    evaluators_file: Path | None = Field(None, description="YAML file of your own evaluators, beside those installed.")
    suites_dir: Path | None = Field(
        None,
        description="Folder of evaluation suites and their datasets, for the app; default: suites in the data folder.",
    )
    suites_may_run_programs: bool = Field(
        default=False,
        description="Whether suites that are edited in the app may start programs: command and python targets, own "
        "evaluators. Whoever reaches the app could then run anything on this machine.",
    )
    suites_env: tuple[str, ...] = Field(
        (),
        description="Environment variables that suites edited in the app may name for keys; they are sent wherever "
        "such a suite says. Files of the suites' folder may name any.",
    )

    notify_metadata_addresses: bool = Field(
        default=False,
        description="Whether messages may be sent to 169.254.0.0/16 and the like, where clouds tell a machine its own "
        "keys.",
    )

    variant_keys: tuple[str, ...] = Field(
        ("variant", "experiment", "ab_variant", "feature_flag.result.variant"),
        description="Attributes or metadata keys that name a span's variant; the first present wins.",
    )
    hash_user_ids: bool = Field(default=False, description="Store a keyed hash in place of user ids.")
    log_level: LogLevel = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class fixes the signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _from_file(settings_cls)


def _from_file(settings_cls: type[BaseSettings]) -> PydanticBaseSettingsSource:
    file = settings_file()
    try:
        return TomlConfigSettingsSource(settings_cls, file)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsFileError(f"The settings file {file} cannot be read: {error}") from error


def settings_file() -> Path:
    """The settings file, whether or not it is there.

    Raises:
        SettingsFileError: `ASSAY_CONFIG_FILE` names one that is not.
    """
    named = os.environ.get(f"{PREFIX}{FILE_SETTING}")
    if named and not Path(named).is_file():
        raise SettingsFileError(f"ASSAY_CONFIG_FILE names {named}, which is no file. Create it, or unset the variable.")
    return Path(named or "assayline.toml")


def unknown_variables(environment: Iterable[str]) -> list[str]:
    """A sentence for each variable that looks like a setting and is none: mistyped, or of another program."""
    known = [*(name.upper() for name in Settings.model_fields), FILE_SETTING]
    told = []
    for variable in sorted(environment):
        name = variable.upper().removeprefix(PREFIX)
        if variable.upper().startswith(PREFIX) and name not in known:
            close = get_close_matches(name, known, n=1)
            told.append(f"{variable} is no setting." + (f" Did you mean {PREFIX}{close[0]}?" if close else ""))
    return told
