"""Parts of the pages Early prediction and Leakage check that show studies."""
