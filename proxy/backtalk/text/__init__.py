"""What user texts say, alone and in pairs: pure functions from strings to features and probabilities.

In: texts, any script. Out: likeness of two texts, cues of one. The one rule: no state, no clock, no I/O after import,
so that a replay gives the same to the last digit.
"""
