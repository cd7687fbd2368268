"""A member of the family in many forms: equations, diagram, weights, code for each library.

Each form is a function from a `Variant` to its pieces by name. `choices` says which variants there
are to choose from, `tables` writes the pieces down for a browser.
"""

import lstm_sources as lstm_sources  # stands in for the package, see there
