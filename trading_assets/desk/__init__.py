"""The ground floor of every stage: settings, calendar, clock, partitions, mappings, retries and the check framework.

What lives here: what a stage needs besides the lake to define its assets, without knowing any other stage.
What not: domain code, which belongs to a stage; jobs, schedules and sensors, which are `trading_assets.orchestration`.
"""
