"""Side-by-side measurements: `python -m benchmarks`. Every number in the documentation is from one.

The driver and the workers are those of `keras_lstm_ext.bench`; this folder adds the contenders that
need other software, the further suites, and what the machine can do at best. It is not shipped.
"""
