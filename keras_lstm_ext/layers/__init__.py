"""The layers and cells of the family, one file per variant."""

from keras_lstm_ext.layers._cell import VariantLSTMCell as VariantLSTMCell
from keras_lstm_ext.layers.cec import CECLSTM as CECLSTM
from keras_lstm_ext.layers.cec import CECLSTMCell as CECLSTMCell
from keras_lstm_ext.layers.classic import ClassicLSTM as ClassicLSTM
from keras_lstm_ext.layers.classic import ClassicLSTMCell as ClassicLSTMCell
from keras_lstm_ext.layers.original import OriginalLSTM as OriginalLSTM
from keras_lstm_ext.layers.original import OriginalLSTMCell as OriginalLSTMCell
from keras_lstm_ext.layers.peephole import PeepholeLSTM as PeepholeLSTM
from keras_lstm_ext.layers.peephole import PeepholeLSTMCell as PeepholeLSTMCell
from keras_lstm_ext.layers.variant import VariantLSTM as VariantLSTM
