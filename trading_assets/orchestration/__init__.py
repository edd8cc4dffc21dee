"""How the stages run: settings, partitions, resources, jobs, schedules, sensors, automation conditions.

Put here what decides *when and for which partitions* something runs. Do **not** put domain code here. This is the only
package that reads the clock or the environment.
"""
