"""Engine, session, tables and migrations; knows nothing of the rest of the product."""
