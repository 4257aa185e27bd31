"""A search campaign: `campaign` is the state machine and the file to read first.

`experiment` is what a person writes, `context` what is made of it; `rows` makes what is written
when a candidate ends; `early_stopping`, `finals` and `remeasurement` decide who goes on.
"""
