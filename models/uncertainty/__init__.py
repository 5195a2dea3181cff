"""Intervals around predictions, and batteries unlike those trained on."""
