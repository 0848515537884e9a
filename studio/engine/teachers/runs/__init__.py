"""Collecting a run: what it wants, how it is asked, how answers are kept, and how it ends."""
