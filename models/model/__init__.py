"""A trained model: fitting, calibrating, saving and loading it; several as an ensemble."""
