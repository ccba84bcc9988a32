"""What `collectors.resolve` stands on: rows in and out, what makes two spans the same, and how they are merged."""
