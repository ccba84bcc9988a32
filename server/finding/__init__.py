"""Finding traces: a line is searched, counted, completed and taken out as files. Its grammar is `store.finding`."""
