"""The algorithms: one file each, one contract, tensors and configuration only."""
