"""Battery-life models; importing the package, or `models.config`, does not import torch."""
