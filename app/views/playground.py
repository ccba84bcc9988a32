"""Playground: a prompt, tried on several models at once, with the values of a real item or trace."""

from __future__ import annotations

from app import playground, widgets

widgets.guarded("The playground did not come.", "What you typed is kept for this session.", playground.page)
