"""Leakage: what a model could know that it must not (see core.leakage.findings)."""
