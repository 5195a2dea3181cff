"""Parts of the pages Datasets, Upload and Explore."""
