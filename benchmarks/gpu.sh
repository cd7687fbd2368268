#!/usr/bin/env bash
# On a machine with an NVIDIA card, in the repository's root: the tests that ask for one, the layers beside cuDNN's, and the demo.
#     bash benchmarks/gpu.sh jax|tensorflow|torch [tests|layers|fit|demo ...]
# Needs a backend that sees the card, and pip install -e ".[test,bench]" beside it.
# Records go to benchmarks/results, named by the card. A part that fails does not keep the others from running.
set -uo pipefail
cd "$(dirname "$0")/.."
export KERAS_BACKEND=${1:?"jax, tensorflow or torch"}
export XLA_PYTHON_CLIENT_PREALLOCATE=false TF_FORCE_GPU_ALLOW_GROWTH=true
shift
failed=0
python=${PYTHON:-python3}
[ $# -gt 0 ] || set -- tests layers fit demo
for part; do
    case $part in
        tests) $python -m benchmarks.gpu_tests -q --require-gpu -m "not slow or gpu" \
            tests/engines tests/equations tests/contract tests/test_precision.py ;;
        layers | fit) $python -m benchmarks "$part" --backend "$KERAS_BACKEND" --device gpu ;;
        demo) $python -m keras_lstm_ext demo ;;
        *) echo "tests, layers, fit or demo. Received: $part" >&2; false ;;
    esac || failed=1
done
exit $failed
