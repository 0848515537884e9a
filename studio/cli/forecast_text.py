"""What a forecast says to a person, with how far off it may be and what it rests on."""

from studio.engine.teachers.money import Forecast, LengthsFrom

_LENGTHS = {
    LengthsFrom.SAME: "the length of answers from past ones under the same system message",
    LengthsFrom.OTHER: "the length of answers from past ones under other system messages, so roughly",
    LengthsFrom.LIMIT: "answers as long as the parameters allow, so this is the most",
    LengthsFrom.NOTHING: "the length of answers is not known; give --param max_tokens=N or collect a few first",
}


def forecast_text(forecast: Forecast) -> str:
    """A few lines: requests and tokens, money, time, and the grounds."""
    asked = _between(f"{forecast.input_tokens:,}", forecast.input_tokens_low, forecast.input_tokens_high, "{:,}")
    lines = [f"{forecast.requests:,} requests with {asked} input tokens"]
    if forecast.output_tokens is not None:
        said = _between(f"{forecast.output_tokens:,}", forecast.output_tokens_low, forecast.output_tokens_high, "{:,}")
        lines[0] += f" and {said} output tokens"
    lines[0] += "."
    if forecast.cost_usd is not None:
        cost = _between(f"${forecast.cost_usd:,.2f}", forecast.cost_low_usd, forecast.cost_high_usd, "${:,.2f}")
        lines.append(f"Cost: {cost}.")
    else:
        lines.append("Cost: not known, since a price or the length of answers is not.")
    if forecast.seconds is not None:
        lines.append(f"Time: {_time(forecast.seconds_low, forecast.seconds_high)}.")
    counted = {"characters": "estimated from characters", "past answers": "estimated, corrected by past answers"}
    grounds = counted.get(forecast.counted_by, f"counted with the {forecast.counted_by}")
    lines.append(f"Tokens of {forecast.sampled:,} sampled prompts are {grounds}; {_LENGTHS[forecast.lengths_from]}.")
    return "\n".join(lines)


def _between(likely: str, low: float | None, high: float | None, style: str) -> str:
    if low is None or high is None or style.format(low) == style.format(high):
        return likely
    return f"{likely} ({style.format(low)} to {style.format(high)})"


def _time(low: float | None, high: float | None) -> str:
    least, most = _took(low or 0), _took(high or 0)
    if least == most:
        return most
    return f"{least} to {most}" if low else f"up to {most}"


def _took(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"
