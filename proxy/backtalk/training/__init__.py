"""Fits the pair model: rows of openly licensed data in, files of plain arrays out. Needs the extra `training`."""
