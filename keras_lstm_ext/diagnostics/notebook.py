"""What a layer looks like in a notebook: its equations, its diagram, its parameters."""

from typing import Any

from keras_lstm_ext.diagnostics.subject import as_member, subjects
from keras_lstm_ext.diagram import html as rendered


def html(layer: Any, name: str = "") -> str:
    """Renders a layer for a notebook, which typesets the TeX in it.

    Args:
        layer: A layer of this package or a `keras.layers.LSTM`, built or not; or a wrapper, a
            `keras.layers.RNN` or a model, of which every such layer is rendered.
        name: What the ids of the diagram begin with. Default: another one each time, since two ids
            of one page must differ; with a name, the same page is written each time.

    Returns:
        HTML that asks nothing of any other host.

    Raises:
        ValueError: If there is no such layer.

    Examples:
        >>> layer = PeepholeLSTM(4, name="reader")
        >>> layer.build((None, 10, 3))
        >>> "<td>(3, 16)</td><td>48</td>" in html(layer)
        True
    """
    found = subjects(layer)
    if not found:
        raise ValueError(
            "`layer` must be a layer of keras_lstm_ext, a keras.layers.LSTM, or what has one in "
            f"it. Received: layer={layer!r}"
        )
    return "".join(
        rendered.html(each.layer, each.member, name and (f"{name}-{k}" if k else name))
        for k, each in enumerate(found)
    )


def equations(cell: Any) -> str:
    r"""Writes the equations that a cell computes, in TeX.

    Args:
        cell: A cell of this package, or that of a `keras.layers.LSTM`.

    Returns:
        An `aligned` environment, in the letters of `keras_lstm_ext.reference`.

    Raises:
        ValueError: If it is another cell.

    Examples:
        >>> print(equations(CECLSTMCell(3, recurrent=False, activation=None)))
        \begin{aligned}
        g_t &= W_c x_t + b_c \\
        c_t &= c_{t-1} + g_t \\
        h_t &= c_t
        \end{aligned}
    """
    member = as_member(cell)
    if member is None:
        raise ValueError(
            "`cell` must be a cell of keras_lstm_ext, or that of a keras.layers.LSTM: "
            f"`layer.cell`. Received: cell={cell!r}"
        )
    return rendered.equations(member)
