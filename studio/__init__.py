"""Understudy: build imitation models and find out honestly whether they are any good."""

import gc

# Loading makes hundreds of thousands of objects that stay. Python's usual 700 new ones before each search for garbage
# would make a fifth of every start, of the app as of each child process, a search through them that finds nothing.
gc.set_threshold(100_000, 20, 20)
