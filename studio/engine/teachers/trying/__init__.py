"""Trying teachers before anything is spent on a collection: one question, or a matrix of them."""
