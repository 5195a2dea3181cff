"""The release of FadeBench; written into every model file."""

VERSION = "0.1.0"
