"""The quantizations that a model can be exported to, by the names llama.cpp's users know."""

from studio.engine.errors import BadInput

FLOATS = ("f16", "bf16", "f32")
"""Written by the converter itself."""
QUANTIZED = {
    "Q8_0": 7, "Q6_K": 18, "Q5_K_M": 17, "Q5_K_S": 16, "Q5_1": 9, "Q5_0": 8, "Q4_K_M": 15, "Q4_K_S": 14,
    "Q4_1": 3, "Q4_0": 2, "IQ4_NL": 25, "IQ4_XS": 30, "Q3_K_L": 13, "Q3_K_M": 12, "Q3_K_S": 11,
    "IQ3_M": 27, "IQ3_S": 26, "Q2_K": 10, "TQ2_0": 37, "TQ1_0": 36,
}  # fmt: skip
"""llama.cpp's file type of each (enum llama_ftype in llama.h); those that need an importance matrix are left out."""
QUANTIZATIONS = (*FLOATS, *QUANTIZED)
USUAL_QUANTIZATIONS = ("f16", "Q8_0", "Q4_K_M")


def quantization_named(text: str) -> str:
    """The proper name for what a person typed, whatever the case. Raises BadInput with the names there are."""
    for name in QUANTIZATIONS:
        if name.casefold() == text.strip().casefold():
            return name
    raise BadInput(f"There is no quantization '{text}'. There are: {', '.join(QUANTIZATIONS)}.")
