"""Use cases: functions over a transaction, the rules in force and the time; each is done whole or not at all.

Nothing that decides is kept in memory between two of them: another process may have changed it. Kill the process
anywhere, and the same batch gives the same result again.
"""
