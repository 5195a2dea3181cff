"""Parts of the pages New test and Results."""
