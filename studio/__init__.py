"""Understudy: build imitation models and find out honestly whether they are any good."""
