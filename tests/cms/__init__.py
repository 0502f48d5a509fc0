"""Real CMSs: `make test-cms` runs all of them and ends with a table, a row for each; `make servers` runs the quick ones.

To add one: a folder here with an installer (named in tests/lab.py), a Subject, the contract's class with that subject
(tests/cms/contract.py), which also measures, and a story (tests/cms/story.py). What takes minutes to install is marked
`cms` alone; the quick ones are marked `servers` too.
"""
