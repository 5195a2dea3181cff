"""Battery-life models; importing the package, or `models.settings`, does not import torch."""
