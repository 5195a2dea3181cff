"""Evaluations ("tests" on screens): from a request to metrics, comparison and leaderboard."""
