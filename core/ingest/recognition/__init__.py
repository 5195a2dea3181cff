"""Recognition: what a file's tables hold, judged on whole columns, and what must be asked."""
