"""The papers' experiments, run again: `python -m keras_lstm_ext reproduce`."""
