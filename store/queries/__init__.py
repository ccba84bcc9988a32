"""One .sql file, one typed function, one name."""
