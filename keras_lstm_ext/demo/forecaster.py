"""The model of the forecaster: numbers of the order of one inside, the user's outside."""

from typing import Any

import keras
import numpy as np

from keras_lstm_ext.demo.windows import Scaling


@keras.saving.register_keras_serializable("keras_lstm_ext")
class Forecaster(keras.Model):
    r"""A layer that reads rows and forecasts how the target changes in the rows after them.

    $$\hat{y}_{t+k} = y_t + s \, (w_k^\top h_t + b_k), \quad k = 1, \dots, K$$

    It starts as the naive forecast, $w = 0$ and $b = 0$, and learns what to add to it, in units of
    the mean absolute change $s$. The model reads standardised rows and computes the
    changes, in float32; `forecast` takes and gives what is in the table, in float64.

    Args:
        layer: The recurrent layer.
        window: Rows to read.
        scaling: What standardises them, from the rows to train on.
    """

    def __init__(self, layer: keras.Layer, window: int, scaling: Scaling, **kwargs: Any) -> None:
        inputs = keras.Input((window, len(scaling.mean)))
        change = keras.layers.Dense(scaling.horizon, kernel_initializer="zeros")
        super().__init__(inputs, change(layer(inputs)), **kwargs)
        self.layer, self.window, self.scaling = layer, window, scaling

    def forecast(self, rows: np.ndarray) -> np.ndarray:
        """Forecasts the target.

        Args:
            rows: Shape `(batch, window, columns)`, in the units and the order of the table; the
                target is the last column.

        Returns:
            Shape `(batch, horizon)`, float64.

        Examples:
            >>> scaling = Scaling(np.array([1e9]), np.array([0.5]), unit=2.0, horizon=2)
            >>> model = Forecaster(keras.layers.LSTM(4), 3, scaling)
            >>> model.forecast(np.array([[[1e9 + 1], [1e9 + 2], [1e9 + 3]]])).tolist()
            [[1000000003.0, 1000000003.0]]
        """
        changes = self.predict(self.scaling.standardise(np.asarray(rows)), verbose=0)
        return self.level(rows[:, -1, -1], changes)

    def level(self, last: np.ndarray, changes: np.ndarray) -> np.ndarray:
        """Forecasts from the last values `(batch,)` and from changes `(batch, horizon)`."""
        return last[:, None] + self.scaling.unit * changes.astype("float64")

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        scaling = {k: np.asarray(v).tolist() for k, v in vars(self.scaling).items()}
        layer = keras.saving.serialize_keras_object(self.layer)
        return {"name": self.name, "layer": layer, "window": self.window, "scaling": scaling}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "Forecaster":
        """Makes the model again."""
        config = dict(config)
        layer = keras.saving.deserialize_keras_object(config.pop("layer"), custom_objects)
        scaling = config.pop("scaling")
        arrays = {name: np.array(scaling[name], "float64") for name in ("mean", "rate")}
        return cls(layer, scaling=Scaling(**(scaling | arrays)), **config)
