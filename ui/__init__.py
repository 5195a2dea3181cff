"""Shared Streamlit widgets, the plot theme and the figures of FadeBench."""
