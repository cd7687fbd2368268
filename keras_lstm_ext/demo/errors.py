"""What a user of the command can put right, said in one line."""

import importlib
from typing import Any


class UserError(ValueError):
    """An error whose message is all that the user needs to see."""


def require(module: str) -> Any:
    """Imports a module that comes with the extra `demo`.

    Args:
        module: Its name.

    Returns:
        The module.

    Raises:
        UserError: If it is not installed.

    Examples:
        >>> require("no_such_module")
        Traceback (most recent call last):
        ...
        keras_lstm_ext.demo.errors.UserError: The demo needs no_such_module: pip install \
"keras_lstm_ext[demo]"
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UserError(
            f'The demo needs {error.name}: pip install "keras_lstm_ext[demo]"'
        ) from error
