"""From an uploaded file to labelled cycles: readers, column mapping, quality checks, labels.

Pure functions on files and frames: no database, no web framework, no network training.
"""
