"""The training loop of every network, and how a network answers."""
