"""Datasets: their batteries, cycles, labels and uploads."""
