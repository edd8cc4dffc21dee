"""What peers compute, in an interpreter of their own (``make peers``): programs that print their seconds as JSON.

What lives here: programs that import a peer and nothing of this project, and the pinned versions they run with.
What not: our sides and the comparisons, which call these programs (`benchmarks.alpha158`, `benchmarks.rolling`).
"""
