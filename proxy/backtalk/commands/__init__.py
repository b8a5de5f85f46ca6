"""What can be typed behind `backtalk`: a module for each group of commands, and how their answers look.

In: arguments. Out: text or JSON, and an exit status. The one rule: a command loads what it needs when it runs, so that
`backtalk serve` has its processes running before anything heavy is loaded.
"""
