"""What a model call costs: counts by unit times a price that was valid on that day. Pure; no network.

List prices come from the library genai-prices, a project's own prices (`own`) go before them. Amounts are US dollars,
`Decimal`. What cannot be priced is null with a reason (`Cost.status`), never 0.
"""
