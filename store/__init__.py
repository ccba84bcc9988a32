"""The only code that opens DuckDB: migrations, the writer, named queries, ledger, export."""

FILE_NAME = "assayline.duckdb"  # of the store in its data folder; here, where it costs no import of DuckDB
