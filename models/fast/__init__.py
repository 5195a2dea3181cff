"""Networks and optimiser made fast, behind one door, with a plain twin beside each."""
