"""Who acts, and what they may see: every query on a tenant's rows starts here."""
