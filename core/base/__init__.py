"""What every room of core stands on: errors, settings, database, files, names."""
