"""The algorithms: a file for each, and parts that they share."""
