"""Battery-life models. Importing this package does not import torch; `models.config` stays free of it."""
