"""Model cards: what a student is, what it learnt from whom and on what terms, and what was measured of it."""

from studio.engine.cards.cards import Cards

__all__ = ["Cards"]
