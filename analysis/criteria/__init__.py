"""Published rules of assessment: RECIST 1.1, the paper's variant of it, CTCAE. Pure."""
