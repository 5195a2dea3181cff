"""Parts of the pages New training and Runs."""
