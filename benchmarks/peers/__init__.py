"""What peers compute, in an interpreter of their own (``make peers``): programs that print their seconds as JSON.

What lives here: programs that import a peer and nothing of this project, the pinned versions they run with, and the
call of such a program (`interpreter`).
What not: our sides and the comparisons (`benchmarks.alpha158`, `benchmarks.rolling`).
"""
