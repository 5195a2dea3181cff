"""What every page shares: frame, theme, links, numbers and figures."""
