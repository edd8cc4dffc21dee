"""A trading desk as a Dagster asset graph."""
