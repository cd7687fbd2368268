"""The nine networks of Greff et al. 2017 on the chorales of J. S. Bach, trained as in that paper.

Each predicts, from the chords so far, which of 88 keys are down in the next one. A random search
finds the rate and the momentum of each, networks with other seeds say how good the best pair is,
and Welch's test which of the eight differ from the one that has everything.
"""
