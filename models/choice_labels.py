"""Words for the choices of settings. Stored values, files and the command line keep the keys."""

CHOICE_LABELS = {
    "COSINE": "Falls smoothly (cosine)",
    "STEP": "Halves in steps",
    "CONSTANT": "Stays constant",
    "SUM": "Fixed weights (sum)",
    "ADPBAL": "Learned weights (AdpBal)",
    "s": "Battery state s",
    "t": "Cycle t",
    "u": "Predicted value u",
    "u_s": "Slope of u over s",
    "auto": "GPU where there is one",
    "cpu": "Processor (CPU)",
    "cuda": "NVIDIA GPU (CUDA)",
}


def choice_label(value: str) -> str:
    """The words for a stored choice; any other text stays as it is."""
    return CHOICE_LABELS.get(value, value)
