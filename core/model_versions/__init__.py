"""Model versions: list, card, download, and the evidence around a model."""
