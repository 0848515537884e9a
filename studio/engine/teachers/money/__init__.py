"""What answers cost and take: prices, tokens, and forecasts from samples and past answers."""
