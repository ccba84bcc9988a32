"""One module per attribute dialect: pure functions over a span's attributes."""
