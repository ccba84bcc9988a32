"""Pieces of an answer, told on as they come."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Hears = Callable[[str], None]
"""Is told a piece of text, from whatever thread the target lives in."""


class Hearing:
    """Tells pieces on, without secrets, and whole letters alone: a piece may end within either."""

    def __init__(self, tell: Hears, secrets: Sequence[str] = ()) -> None:
        self._tell, self._secrets = tell, secrets
        self._held = ""  # what may be the start of a secret, or half of a letter

    def feed(self, piece: str) -> None:
        """Tell what is certain by now."""
        text = self._held + piece
        for secret in self._secrets:
            text = text.replace(secret, "***")
        certain = len(text) - self._open(text)
        self._held = text[certain:]
        if certain:
            self._tell(text[:certain])

    def end(self) -> None:
        """Nothing more comes: what was held back is what it looks like."""
        rest, self._held = self._held, ""
        if rest:
            self._tell(rest)

    def _open(self, text: str) -> int:
        """Letters at the end that the next piece may complete."""
        begun = [
            next((n for n in range(min(len(secret) - 1, len(text)), 0, -1) if secret.startswith(text[-n:])), 0)
            for secret in self._secrets
        ]
        return max((*begun, int("\ud800" <= text[-1:] <= "\udbff")), default=0)
