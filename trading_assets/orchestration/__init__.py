"""How the stages run: jobs, schedules, sensors, refresh, replay, the Dagster instance and its daemon.

Put here what decides *when and for which partitions* something runs. Do **not** put domain code here.
"""
