"""Trainings: from a request to runs, models, ensembles and twins."""
