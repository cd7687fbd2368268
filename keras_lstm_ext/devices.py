"""What the backend computes on."""

import subprocess

import keras


def gpu() -> str | None:
    """The name of the GPU that the Keras backend sees, or None."""
    return _GPU[keras.backend.backend()]()


def driver() -> str | None:
    """The version of NVIDIA's driver, or None where its tool does not answer."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return said.split("\n")[0].strip()


def _tensorflow() -> str | None:
    import tensorflow as tf

    devices = tf.config.list_physical_devices("GPU")
    if not devices:
        return None
    return tf.config.experimental.get_device_details(devices[0]).get("device_name", "GPU")


def _jax() -> str | None:
    import jax

    return jax.devices()[0].device_kind if jax.default_backend() == "gpu" else None


def _torch() -> str | None:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


_GPU = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
