"""The calendar: where a bar lies in the week, the month, the year, between holidays, and in its session.

Here: the catalogue of the set, its values, and the table of an exchange's days that they are taken from.
Not here: when an exchange trades (`market_data.calendar`), what it had announced (`market_data.schedule`).
"""
