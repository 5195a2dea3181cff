"""The leakage check: finds what a model could know that it must not (core.leakage.findings)."""
