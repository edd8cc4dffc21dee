"""Checks."""

CHECKS = []
