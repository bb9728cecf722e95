"""Kills the whole system at work, over and over, also while it talks to a mail server: nothing lost, nothing twice.

child      the system that is killed, with people who never rest
postbox    the mail server: a few lines that keep every letter, and tell where in a dialogue one is
promises   what was acknowledged, and what must therefore be there
judging    whether it is
rounds     start, wait for the moment, kill; now and then the judgement
"""
