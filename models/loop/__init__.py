"""The training loop of networks, and their predictions."""
