"""A search campaign. `campaign` is the state machine, and the file to read first.

`experiment` is what a person writes, `context` what is made of it, and `folder` where both are kept
and opened. `rows` makes what is recorded when a candidate ends. `early_stopping`, `finals` and
`remeasurement` decide which candidates continue; `replay` and `resume` restore the state after an
interruption.
"""
