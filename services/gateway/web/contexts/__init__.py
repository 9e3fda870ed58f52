"""What each page needs, as plain dicts: the contract between the gateway's routes and the templates.

Every page takes ``site`` and ``page``; besides it takes one more key, named like the page (see `views.PAGES`).
Values come as services answer: money in integer kopecks, moments aware or RFC 3339 text, volumes as integers or decimal
text, scores as exact fractions in text ("277/3"), codes as the domain names them (`open`, `npo`, `semi_residential`).
A key that is not NotRequired must be there; ``None`` says "there is none", an empty list shows the empty state.
The package `samples` holds a filled example of each.
"""
