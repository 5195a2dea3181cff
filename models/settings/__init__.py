"""The algorithms and their settings. Nothing here imports torch."""
