"""The command line, `python -m core`: the same services as the pages, for scripts and shells."""
