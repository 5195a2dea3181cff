"""Studies: analyses that train no model version."""
