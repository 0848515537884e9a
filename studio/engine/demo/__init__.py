"""The whole loop on the practice world, once, with every figure measured: what `understudy demo` runs."""
