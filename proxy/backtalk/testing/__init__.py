"""The public test kit: a scripted model provider that is a real server, a real `backtalk serve`, and waits.

Nothing in the product imports this room, except the demo, which says so when it falls back to the scripted provider.
"""
