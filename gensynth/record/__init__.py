"""What a campaign writes down: the record of its outcomes, its running jobs, and its log.

`rows` makes what is written when a candidate ends. `study` is the record, `ledger` the record
together with the jobs that are running; `database` and `address` deal with the database that the
record is kept in.
"""
