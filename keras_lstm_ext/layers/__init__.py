"""The layers and cells of the family, one file per variant."""

from keras_lstm_ext.layers.cec import CECLSTM as CECLSTM
from keras_lstm_ext.layers.cec import CECLSTMCell as CECLSTMCell
from keras_lstm_ext.layers.classic import ClassicLSTM as ClassicLSTM
from keras_lstm_ext.layers.classic import ClassicLSTMCell as ClassicLSTMCell
from keras_lstm_ext.layers.coupled import CoupledLSTM as CoupledLSTM
from keras_lstm_ext.layers.coupled import CoupledLSTMCell as CoupledLSTMCell
from keras_lstm_ext.layers.layer_norm import LayerNormLSTM as LayerNormLSTM
from keras_lstm_ext.layers.layer_norm import LayerNormLSTMCell as LayerNormLSTMCell
from keras_lstm_ext.layers.original import OriginalLSTM as OriginalLSTM
from keras_lstm_ext.layers.original import OriginalLSTMCell as OriginalLSTMCell
from keras_lstm_ext.layers.peephole import PeepholeLSTM as PeepholeLSTM
from keras_lstm_ext.layers.peephole import PeepholeLSTMCell as PeepholeLSTMCell
from keras_lstm_ext.layers.projected import ProjectedLSTM as ProjectedLSTM
from keras_lstm_ext.layers.projected import ProjectedLSTMCell as ProjectedLSTMCell
from keras_lstm_ext.layers.variant import VariantLSTM as VariantLSTM
from keras_lstm_ext.layers.variant import VariantLSTMCell as VariantLSTMCell
