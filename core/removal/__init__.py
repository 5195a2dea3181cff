"""Deletion: what hangs on a thing, marking it, and removing what is marked."""
