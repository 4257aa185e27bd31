"""A search campaign. `campaign` is the state machine, and the file to read first.

`experiment` is what a person writes, `context` what is made of it, and `folder` where both are kept
and a campaign is opened, resumed or extended. `early_stopping`, `finals` and `remeasurement` decide
which candidates continue; `replay` restores the generator and `resume` the running jobs after an
interruption.
"""
