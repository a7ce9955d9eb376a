"""Decisions, as functions from values to a value.

Nothing here opens a socket, reads a clock, rolls dice, logs, or imports a framework: `now` and
`rng` are arguments, and "no" is a return value (law 3 of ARCHITECTURE.md).
"""
