"""Stage 1: prices as the vendor delivered them, and what is needed to read them.

Here: the exchange calendar, the sources (where bars and corporate actions come from), the raw bars and corporate
actions in the lake, and their contracts. Everything is stored raw; adjustment for splits and dividends happens on read.

Not here: anything computed from prices (features, labels), and anything that decides or trades.
"""
