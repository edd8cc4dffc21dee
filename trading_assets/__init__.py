"""A trading desk as a Dagster asset graph: each package below is one stage, in the order in which data flows.

What lives here: `definitions`, the one place that assembles Dagster objects; `cli`, the command line; `demo`, the whole
desk from first bar to tear sheet in one command.
What to put here: only what needs every stage at once.
What not: a stage's own work (its package), when it runs (`orchestration`), how it is stored (`lake`).
"""
