"""The fast perceptron, its plain twin, the door that chooses between them, and the optimiser."""
