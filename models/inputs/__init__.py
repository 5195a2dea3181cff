"""What goes into a model: a battery's cycles, samples of them, scales."""
