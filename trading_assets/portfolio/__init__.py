"""Portfolio: what each book wants to hold.

What lives here: `books.yaml` and its reader (`books`), and the sizing of scores into target weights (`weights`).
What to put here: optimisers, sizing rules and limits that turn scores into weights.
What not: orders, fills and cash, which are `execution`; scores, which are `signals`.
"""
