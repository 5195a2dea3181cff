"""Parts of the page Leakage check."""
