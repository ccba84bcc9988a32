"""The only code that opens DuckDB: migrations, the writer, named queries, ledger, export."""
