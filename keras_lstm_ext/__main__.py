"""`python -m keras_lstm_ext`: see `keras_lstm_ext.cli`."""

import sys

from keras_lstm_ext.cli import main

sys.exit(main())
