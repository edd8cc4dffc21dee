"""Your own features: every module here is imported by itself, and what it defines makes the table ``features.own``.

What lives here: modules with functions under the decorator `trading_assets.features.feature`, as ``trading-assets new
feature NAME`` writes them; modules that begin with an underscore are for what several features share.
What not: features of the project itself; they live in the package of their set.
"""
