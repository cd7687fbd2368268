"""The LSTM family for Keras 3, each member as its paper defines it.

The carousel alone and the original LSTM (1997), classic with forget gate (1999/2000) and peephole
(2000/2002).
"""

from keras_lstm_ext.acceleration import accelerate as accelerate
from keras_lstm_ext.citations import cite as cite
from keras_lstm_ext.initializers import chrono_bias as chrono_bias
from keras_lstm_ext.layers import CECLSTM as CECLSTM
from keras_lstm_ext.layers import CECLSTMCell as CECLSTMCell
from keras_lstm_ext.layers import ClassicLSTM as ClassicLSTM
from keras_lstm_ext.layers import ClassicLSTMCell as ClassicLSTMCell
from keras_lstm_ext.layers import CoupledLSTM as CoupledLSTM
from keras_lstm_ext.layers import CoupledLSTMCell as CoupledLSTMCell
from keras_lstm_ext.layers import LayerNormLSTM as LayerNormLSTM
from keras_lstm_ext.layers import LayerNormLSTMCell as LayerNormLSTMCell
from keras_lstm_ext.layers import OriginalLSTM as OriginalLSTM
from keras_lstm_ext.layers import OriginalLSTMCell as OriginalLSTMCell
from keras_lstm_ext.layers import PeepholeLSTM as PeepholeLSTM
from keras_lstm_ext.layers import PeepholeLSTMCell as PeepholeLSTMCell
from keras_lstm_ext.layers import ProjectedLSTM as ProjectedLSTM
from keras_lstm_ext.layers import ProjectedLSTMCell as ProjectedLSTMCell
from keras_lstm_ext.layers import VariantLSTM as VariantLSTM
from keras_lstm_ext.layers import VariantLSTMCell as VariantLSTMCell
from keras_lstm_ext.streaming import Stream as Stream
from keras_lstm_ext.streaming import stream as stream
from keras_lstm_ext.variants import Variant as Variant
from keras_lstm_ext.version import __version__ as __version__
