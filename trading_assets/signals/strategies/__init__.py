"""The strategies that the desk ships: every module here is imported by itself, one strategy in each.

What lives here: modules with a function under the decorator `trading_assets.signals.strategy`; modules that begin with
an underscore are for what several strategies share.
What not: strategies of your own; they live outside the package.
"""
