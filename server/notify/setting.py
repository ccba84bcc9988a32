"""Channels as they are set and tried out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Annotated, Literal, Self, cast
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, model_validator

from server.core import Core
from server.jobs import WRITE_S
from server.notify import telling
from server.notify.loop import NO_ADDRESS
from server.notify.sender import AddressFaultError, Kind, Sender
from server.notify.vault import Secret, Vault
from server.when import utc_now
from store import channels as store
from store import deliveries
from store.channels import EVENTS, SEVERITIES, Channel
from store.deliveries import Try

LEAST_KEY = 16  # letters of a key: shorter ones can be guessed
Severities = Annotated[list[Literal["info", "warning", "critical"]], Field(min_length=1)]
Events = Annotated[list[Literal["opened", "escalated", "resolved"]], Field(min_length=1)]


class ChannelError(Exception):
    """A channel that cannot be set so; says why, without its address."""


class UnknownChannelError(Exception):
    """There is no such channel."""

    def __init__(self, project: str, name: str, known: Sequence[str]) -> None:
        super().__init__(f"Project {project!r} has no channel {name!r}. It has: {', '.join(known) or 'none'}.")


class Terms(BaseModel):
    """What a channel says, but for its name."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: Kind = Field(description="webhook: JSON by HTTP; apprise: any service that the library of that name knows.")
    url: str | None = Field(
        None, min_length=4, max_length=8_000, repr=False,
        description="Where messages go; kept in a file beside the store and shown to nobody. Null: the one there is.",
    )  # fmt: skip
    secret: str | None = Field(
        None,
        max_length=1_000,
        repr=False,
        description=f"What webhooks are signed with, {LEAST_KEY} letters or more. Null: the one there is; empty: none.",
    )
    severities: Severities = Field(
        list(SEVERITIES), description="Of the alerts that it is told.", validate_default=True
    )
    events: Events = Field(list(EVENTS), description="What it is told of them.", validate_default=True)

    @model_validator(mode="after")
    def _signed(self) -> Self:
        if self.secret and self.kind != "webhook":
            raise ValueError("only webhooks are signed; leave secret out")
        if self.secret and len(self.secret) < LEAST_KEY:
            raise ValueError(f"secret has fewer than {LEAST_KEY} letters and could be guessed; take a longer one")
        return self


@dataclass(frozen=True, slots=True)
class Post:
    """What channels are set and tried out with: those of the running server, or made for one command."""

    vault: Vault
    sender: Sender


@contextmanager
def alone(core: Core) -> Iterator[Post]:
    """For the command line, where no server runs."""
    sender = Sender(core.settings.data_dir, metadata=core.settings.notify_metadata_addresses)
    try:
        yield Post(Vault(core.settings.data_dir), sender)
    finally:
        sender.close()


def one(core: Core, project: str, name: str) -> Channel:
    """A channel as it is now. Raises UnknownChannelError."""
    project_id = core.projects.id_of(project)
    with core.readers.read() as con:
        known = store.channels(con, project_id)
    found = next((channel for channel in known if channel.name == name), None)
    if found is None:
        raise UnknownChannelError(project, name, [channel.name for channel in known])
    return found


def put(  # noqa: PLR0917 - whose, what and by whom
    core: Core, post: Post, project: str, name: str, terms: Terms, author: str | None
) -> Channel:
    """Set a channel; its address is looked at and nothing is sent.

    Raises:
        ChannelError: the address cannot be one of its kind, or there is none yet.
        VaultError: the file of addresses cannot be read.
    """
    project_id = core.projects.id_of(project)
    with core.readers.read() as con:
        known = store.channel(con, project_id, name)
    secret = _secret(post, name, terms, known)
    try:
        shown = post.sender.check(terms.kind, secret.url)
    except AddressFaultError as error:
        raise ChannelError(str(error)) from None
    same = known is not None and post.vault.get(known.place) == secret
    place = known.place if same and known is not None else post.vault.put(secret)
    severities = tuple(one for one in SEVERITIES if one in terms.severities)
    events = tuple(one for one in EVENTS if one in terms.events)
    made = Channel(
        project_id, name, terms.kind, shown, place, secret.key is not None, severities, events, utc_now(), author
    )
    core.writer.call(lambda cursor: store.put(cursor, made)).result(WRITE_S)
    _tidy(core, post)
    return made


def _secret(post: Post, name: str, terms: Terms, known: Channel | None) -> Secret:
    """What is to be kept: what is told, else what there is."""
    held = None if known is None else post.vault.get(known.place)
    if known is not None and known.kind != terms.kind and terms.url is None:
        raise ChannelError(f"Channel {name} is a {known.kind}. To make it a {terms.kind}, give its address as url.")
    url = terms.url or (held.url if held else None)
    if url is None:
        raise ChannelError(f"Channel {name} has no address on this machine. Give it as url.")
    key = (held.key if held else None) if terms.secret is None else terms.secret or None
    return Secret(url.strip(), key if terms.kind == "webhook" else None)


def delete(core: Core, post: Post, project: str, name: str, author: str | None) -> None:
    """Take a channel and its address away, with what waits for it. Raises UnknownChannelError."""
    known = one(core, project, name)
    core.writer.call(lambda cursor: store.delete(cursor, known.project_id, name, utc_now(), author)).result(WRITE_S)
    _tidy(core, post)


def _tidy(core: Core, post: Post) -> None:
    """Forget addresses of no channel."""
    with core.readers.read() as con:
        places = {channel.place for channel in store.channels(con)}
    post.vault.keep(places)


def try_out(core: Core, post: Post, project: str, name: str, author: str) -> Try:
    """Send a test message now, once, and keep what became of it. Raises UnknownChannelError, VaultError."""
    known = one(core, project, name)
    secret = post.vault.get(known.place)
    message_id, at = uuid4(), utc_now()
    message = telling.test_message(message_id, project, name, author, telling.base_url(core.settings), at)
    if secret is None:
        done = Try(at, 0.0, "failed", NO_ADDRESS)
    else:
        heard: SimpleQueue[Try] = SimpleQueue()
        post.sender.send(cast(Kind, known.kind), secret, message, heard.put)
        done = heard.get()
    core.writer.call(
        lambda cursor: deliveries.add_test(cursor, known.project_id, name, message_id, message.body.decode(), done)
    ).result(WRITE_S)
    return done
