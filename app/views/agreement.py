"""Agreement: how far the people of a queue agree, where they do not, and what is decided there."""

from __future__ import annotations

from app import agreement, widgets

widgets.guarded("The agreement did not come.", agreement.STANDING, agreement.page)
