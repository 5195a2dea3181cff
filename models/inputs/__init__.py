"""The inputs of models: the cycles of a battery, samples of them, and scales."""
