"""Alerts: what monitors found, what is done about it, whom it is told to."""

from __future__ import annotations

from app import alert, alerts, channels, deliveries

if number := alerts.chosen(alerts.NUMBER):
    alert.page(number)
else:
    part, follows = alerts.parts()
    if part == "channels":
        channels.overview()
    elif part == "deliveries":
        deliveries.overview(follows)
    else:
        alerts.overview(follows)
