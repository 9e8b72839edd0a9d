"""From an uploaded list to checked recipients and a list of problems.

Files are read by `sheets`; this half writes rows and knows what a campaign needs of them.
"""
