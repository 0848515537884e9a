"""What answers cost and take: prices, tokens, and forecasts from samples and past answers."""

from studio.engine.teachers.money.forecast import Forecast, LengthsFrom

__all__ = ["Forecast", "LengthsFrom"]
