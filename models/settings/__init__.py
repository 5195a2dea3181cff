"""What can be trained, with which settings. Free of torch."""
