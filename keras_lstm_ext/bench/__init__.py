"""Measures the engines beside `keras.layers.LSTM`: `python -m keras_lstm_ext bench`.

A driver starts one worker process per contender, sets up the same problem in each, compares every
answer with the NumPy reference, and then lets the contenders run in turn, so that whatever slows
the machine down for a while slows all of them. The folder `benchmarks/` of the repository measures
more contenders with the same driver.
"""
