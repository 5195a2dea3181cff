"""Numbers from numbers: errors, intervals, paired differences. Frames in, numbers out."""
