"""Evaluation: blind studies between two sets of answers, the votes on them, and what the votes say."""
