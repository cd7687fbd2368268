"""How a release is made: see `release/README.md`."""
