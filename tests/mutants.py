"""Mutation test: small lies planted in the package, each of which the suite must notice.

Run it with `python -m tests.mutants`; arguments are words, and only mutants whose description
has one of them are tried. Each mutant is a copy of the package with one text replaced; the native
library of one in C++ is compiled again.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import keras

ROOT = Path(__file__).parent.parent
TESTS = ["tests/equations", "tests/contract", "tests/test_precision.py"]
NATIVE_TESTS = ["tests/native/test_kernels.py"]
CONVERTER_TESTS = [f"tests/convert/test_{name}.py" for name in ("systems", "layers", "refusals")]
BUILD = ("setup.py", "README.md", "LICENSE")
"""What a library is built from, beside the package."""


class Mutant(NamedTuple):
    description: str
    file: str
    old: str
    new: str


STEP, CELL, LAYER = "engines/step.py", "layers/_cell.py", "layers/_layer.py"
BPTT, ALGORITHM = "engines/bptt/__init__.py", "engines/bptt/algorithm.py"
PREFIX, NORM = "engines/bptt/prefix.py", "engines/norm.py"
NATIVE, KERNEL_STEP = "engines/native/__init__.py", "native/step.h"
LAYOUTS, BLOCKS = "convert/layouts.py", "convert/blocks.py"
WEIGHTS, CHECKS, CHECKPOINT = "convert/weights.py", "convert/checks.py", "convert/checkpoint.py"

MUTANTS = [
    Mutant(
        "input gate does nothing", STEP, 'self.spread(nets["i"]) * nets["c"] if', 'nets["c"] if'
    ),
    Mutant("forget gate does nothing", STEP, 'return self.spread(nets["f"]) * c', "return c"),
    Mutant("coupled gates are not", STEP, "self.spread(1.0 - nets", "self.spread(0.0 * nets"),
    Mutant("coupled gates learn as if they were not", STEP, 'nets["c"] - c if', 'nets["c"] if'),
    Mutant("a coupled carousel is added up", "variants.py", "and not self.coupled", ""),
    Mutant(
        "gates fed to the wrong gates",
        CELL,
        "[gates[:, :before], zeros, gates[:, before:]]",
        "[gates[:, before:], zeros, gates[:, :before]]",
    ),
    Mutant("decay does nothing", STEP, "else self.variant.decay * c", "else c"),
    Mutant(
        "output gate sees the state without the new intake",
        STEP,
        'o = self.gate("o", self.split(z)["o"], c, p)',
        'o = self.gate("o", self.split(z)["o"], c - self.intake(nets), p)',
    ),
    Mutant(
        "full gradient through peepholes", STEP, "if self.variant.truncated else c", "if 0 else c"
    ),
    Mutant("peepholes subtracted", STEP, "net = net + self.sum", "net = net - self.sum"),
    Mutant("one peephole for all gates", STEP, "p[self.variant.gates.index(k)]", "p[0]"),
    Mutant(
        "peephole reads another cell",
        STEP,
        "self.peephole(k, p) * seen",
        "self.peephole(k, p) * ops.roll(seen, 1, axis=-1)",
    ),
    Mutant(
        "gates spread over the wrong cells",
        STEP,
        "ops.stack([gate] * size, axis=-1)",
        "ops.stack([gate] * size, axis=-2)",
    ),
    Mutant(
        "blocks summed over the wrong cells",
        STEP,
        "return ops.sum(ops.reshape(cells, blocks), axis=-1)",
        "return ops.sum(ops.reshape(cells, blocks), axis=-1)[..., ::-1]",
    ),
    Mutant(
        "output squashed as the input",
        STEP,
        "h = self.output_activation(self.shown(c, s))",
        "h = self.activation(self.shown(c, s))",
    ),
    Mutant("error at fed-back gates lost", STEP, "d + d_fed[k] if k in d_fed else d", "d"),
    Mutant(
        "input gate blamed by the state",
        STEP,
        "d_c * self.by_input_gate(nets, c_before)",
        "d_c * c_before",
    ),
    Mutant("forget gate blamed by the new state", STEP, "d_c * c_before", "d_c * c"),
    Mutant(
        "no error through f's peephole",
        STEP,
        'peeped(k) for k in ("i", "f")',
        'peeped(k) for k in ("i",)',
    ),
    Mutant("no error through o's peephole", STEP, 'if passes and "o" in nets', "if 0"),
    Mutant(
        "slope of the output squasher lost", STEP, " * SLOPES[self.output_activation](squashed)", ""
    ),
    Mutant("error at o's net lost", STEP, "self.sum_block(d_h * squashed)", "self.sum_block(d_h)"),
    Mutant("i and f swapped", "variants.py", '("i", "f", "c", "o")\n', '("f", "i", "c", "o")\n'),
    Mutant("f and c swapped", "variants.py", '("i", "f", "c", "o")\n', '("i", "c", "f", "o")\n'),
    Mutant("c and o swapped", "variants.py", '("i", "f", "c", "o")\n', '("i", "f", "o", "c")\n'),
    Mutant(
        "1997 squasher too steep",
        "activations.py",
        "return 2.0 * ops.tanh(0.5 *",
        "return 2.0 * ops.tanh(1.0 *",
    ),
    Mutant(
        "1997 squasher's slope wrong", "activations.py", "1.0 - 0.25 * y * y", "1.0 - 0.5 * y * y"
    ),
    Mutant(
        "gates fed back before h",
        CELL,
        "ops.concatenate([r, ops.cast(states[2], r.dtype)]",
        "ops.concatenate([ops.cast(states[2], r.dtype), r]",
    ),
    Mutant("full gradient through what is fed back", CELL, "if self.variant.truncated:", "if 0:"),
    Mutant(
        "gates' bias on the cell",
        CELL,
        "[self.bias[:before], zeros, self.bias[before:]]",
        "[zeros, self.bias]",
    ),
    Mutant("unit bias on the wrong gate", CELL, 'if net == "f" and', 'if net == "i" and'),
    Mutant(
        "gate state reversed",
        CELL,
        "[nets[k] for k in self.variant.gates]",
        "[nets[k] for k in self.variant.gates[::-1]]",
    ),
    Mutant("gate bias ignored", CELL, "if self.gate_bias and net in self.gate_bias:", "if 0:"),
    Mutant(
        "recurrent dropout at inference",
        CELL,
        "if training and self.recurrent_dropout:",
        "if self.recurrent_dropout:",
    ),
    Mutant(
        "cell state in 16 bits",
        CELL,
        '"float32" if dtype in ("float16", "bfloat16") else dtype',
        "dtype",
    ),
    Mutant("last states forgotten", LAYER, "variable.assign(ops.copy(state))", "pass"),
    Mutant(
        "initial state ignored",
        LAYER,
        "if initial_state is not None:\n            states",
        "if 0:\n            states",
    ),
    Mutant(
        "masked states not held",
        ALGORITHM,
        "    if valid is None:\n        return new\n",
        "    if 1:\n        return new\n",
    ),
    Mutant(
        "mask forgotten in the backward",
        ALGORITHM,
        "        if valid is not None:\n            d_nets",
        "        if 0:\n            d_nets",
    ),
    Mutant(
        "mask forgotten in the prefix sum",
        PREFIX,
        "    if fixed.mask is not None:\n        intake",
        "    if 0:\n        intake",
    ),
    Mutant(
        "multiplier forgotten in the backward",
        ALGORITHM,
        "            if fixed.multiplier is not None:",
        "            if 0:",
    ),
    Mutant(
        "recurrent gradient by h of the same step",
        ALGORITHM,
        "ops.concatenate([first[None], values[:-1]], axis=0)",
        "values",
    ),
    Mutant(
        "o's peephole blamed by the old state",
        ALGORITHM,
        'c if k == "o" else c_before for',
        "c_before for",
    ),
    Mutant("bias gradient of the first step only", ALGORITHM, "d_b = d_b + d_z", "d_b = d_z"),
    Mutant(
        "nets recomputed from the new state",
        ALGORITHM,
        "nets = equations.write(z, c_before, a.p)",
        "nets = equations.write(z, c, a.p)",
    ),
    Mutant("mask not reversed", BPTT, "mask if mask is None else ops.flip(mask, axis=1)", "mask"),
    Mutant(
        "initial h put out before the first step",
        BPTT,
        "    if mask is None:\n        return last, outputs\n",
        "    return last, outputs\n",
    ),
    Mutant(
        "zero_output_for_mask ignored",
        BPTT,
        "mask if layer.zero_output_for_mask else",
        "mask if 0 else",
    ),
    Mutant(
        "truncated rule feeds error back",
        ALGORITHM,
        "flows = a.R is not None and not v.truncated",
        "flows = a.R is not None",
    ),
    Mutant(
        "native: gates before h",
        NATIVE,
        "ops.concatenate([h, *gates]",
        "ops.concatenate([*gates, h]",
    ),
    Mutant(
        "native: gates fed to all nets",
        NATIVE,
        "cell.full_recurrent_kernel()",
        "ops.ones_like(cell.full_recurrent_kernel())",
    ),
    Mutant(
        "native: columns of a block counted for each of its units",
        "native/norm.h",
        "at % LANES < n && (unit + at % LANES) % size == 0",
        "at % LANES < n && size > 0",
    ),
    Mutant(
        "native: means of panels taken for the row's",
        "native/norm.h",
        "at[2 * r + 1] + n * d * d",
        "at[2 * r + 1] + 0.0f * n * d * d",
    ),
    Mutant(
        "native: error at R r is that at W x",
        "native/backward.h",
        "(of_r ? s.w.d_y : s.w.d_z) + p",
        "s.w.d_z + p",
    ),
    Mutant("native: coupled gates are not", KERNEL_STEP, "1.0f - load(z", "1.0f - 0.0f * load(z"),
    Mutant(
        "native: coupled gate blamed by the intake alone",
        KERNEL_STEP,
        "o.coupled ? g - c_old : g",
        "g",
    ),
    Mutant(
        "native: all error kept by a coupled gate",
        KERNEL_STEP,
        "d_old = d_c * (1.0f - i)",
        "d_old = d_c",
    ),
    Mutant(
        "native: gates of a skipped step fed back",
        KERNEL_STEP,
        "    if (skipped(j, s, row, t)) {\n      gate",
        "    if (0) {\n      gate",
    ),
    Mutant(
        "native: fed back gates without dropout",
        KERNEL_STEP,
        "gate * load_fed(",
        "gate + 0.0f * load_fed(",
    ),
    Mutant(
        "native: error at the fed back i lost", KERNEL_STEP, "if (fed) d += from_later(l.i);", ""
    ),
    Mutant(
        "native: error at the fed back f lost", KERNEL_STEP, "if (fed) d += from_later(l.f);", ""
    ),
    Mutant(
        "native: error at the fed back o lost", KERNEL_STEP, "if (fed) d += from_later(l.o);", ""
    ),
    Mutant(
        "native: error at gates ends at a skipped step",
        KERNEL_STEP,
        "net == l.c ? d_h : from_later(net)",
        "net == l.c ? d_h : V{}",
    ),
    Mutant(
        "native: errors at gates are added up twice",
        KERNEL_STEP,
        "j.in.mask && net < l.fed_to",
        "0 && net < l.fed_to",
    ),
    Mutant(
        "native: gates blamed by those of their own step",
        "native/backward.h",
        "for_gates(j, s, t - 1,",
        "for_gates(j, s, t,",
    ),
    Mutant(
        "native: a block's gate blamed for each of its units",
        "native/job.h",
        "unit % size ? -1 :",
        "0 ? -1 :",
    ),
    Mutant(
        "rows normalised about 0",
        NORM,
        "centred = y - ops.mean(y, axis=-1, keepdims=True)",
        "centred = y",
    ),
    Mutant(
        "normalisation's mean lost in the backward",
        NORM,
        "d_u - ops.mean(d_u, axis=-1, keepdims=True) - u",
        "d_u - u",
    ),
    Mutant("normalisation's scale lost in the backward", NORM, " - u * along)", ")"),
    Mutant(
        "the state is normalised and carried on",
        STEP,
        "        c = self.new_state(nets, c)\n        h,",
        "        c = self.shown(self.new_state(nets, c), s)\n        h,",
    ),
    Mutant("shift of the state lost", STEP, "[0] + s[1]", "[0]"),
    Mutant("gain of the state lost in the backward", STEP, "d_shown * s[0], *", "d_shown, *"),
    Mutant("one gain for W x and R r", CELL, "self.norm_kernel[row]", "self.norm_kernel[0]"),
    Mutant("gains blamed without the error", ALGORITHM, "ops.sum(d_z * u, axis", "ops.sum(u, axis"),
    Mutant(
        "normalised R r has no backward of its own",
        ALGORITHM,
        "d_y = normalize_backward(d_z * a.n[1], *normed)",
        "d_y = d_z * a.n[1]",
    ),
    Mutant(
        "projection learns as if the output gate were open",
        ALGORITHM,
        'equations.spread(nets["o"]) * m if "o" in nets else m',
        "m",
    ),
    Mutant(
        "projection learns from masked steps",
        ALGORITHM,
        "ops.where(valid, d, ops.zeros_like(d)) for d in (d_made",
        "d for d in (d_made",
    ),
    Mutant(
        "the first of h and the last are not told apart",
        "variants.py",
        "h[..., : self.projection] if",
        "h[..., -self.projection :] if",
    ),
    Mutant(
        "error at what was fed back goes to the last of h",
        ALGORITHM,
        "ops.concatenate([d_fed, rest], axis=-1)",
        "ops.concatenate([rest, d_fed], axis=-1)",
    ),
    Mutant(
        "zoneout keeps the new",
        NORM,
        "kept * old + (1.0 - kept) * new",
        "kept * new + (1.0 - kept) * old",
    ),
    Mutant(
        "error at what zoneout kept of c lost", ALGORITHM, "d_c_before + kept_c * d_c", "d_c_before"
    ),
    Mutant("error at the made h too large", ALGORITHM, "(1.0 - kept_h) * d_h", "d_h"),
    Mutant(
        "gates blamed by the mixed state",
        ALGORITHM,
        "equations.new_state(nets, c_before) if equations.zoneout[1] else c",
        "c",
    ),
    Mutant("zones not reversed", BPTT, "ops.flip(z, axis=1)", "z"),
    Mutant(
        "zoneout forgotten in inference",
        CELL,
        "return x, [rate or None for rate in self.zoneout]",
        "return x, [None, None]",
    ),
    Mutant(
        "converters: transposed blocks are read by rows",
        BLOCKS,
        "part = part.T",
        "part = part.reshape(part.shape[::-1])",
    ),
    Mutant(
        "converters: transposed blocks are written by rows",
        BLOCKS,
        'return found.T if block.endswith(".T") else found',
        'return found.reshape(found.shape[::-1]) if block.endswith(".T") else found',
    ),
    Mutant(
        "converters: negative blocks are read as they are",
        BLOCKS,
        '-part if block.startswith("-") else part',
        "part",
    ),
    Mutant("converters: negative blocks are written as they are", BLOCKS, "found = -found", "pass"),
    Mutant(
        "converters: one of two biases is enough",
        WEIGHTS,
        "parts[block] + part if block in parts else part",
        "part",
    ),
    Mutant(
        "converters: the forget bias is added twice where it is taken off",
        WEIGHTS,
        "_add(parts, -added, table)",
        "_add(parts, added, table)",
    ),
    Mutant(
        "converters: the forget bias is added to a coupled input gate",
        WEIGHTS,
        'parts["b_i"] - added',
        'parts["b_i"] + added',
    ),
    Mutant(
        "converters: a coupled forget gate is read as the input gate",
        LAYOUTS,
        "W_c -W_i W_o; R_c -R_i R_o",
        "W_c W_i W_o; R_c R_i R_o",
    ),
    Mutant(
        "converters: a coupled bias is the input gate's", LAYOUTS, "b_c -b_i b_o", "b_c b_i b_o"
    ),
    Mutant("converters: a coupled peephole is the input gate's", LAYOUTS, '"-p_i"', '"p_i"'),
    Mutant(
        "converters: gates of input_forget in another order",
        LAYOUTS,
        "W_i.T; W_o.T; W_c.T",
        "W_o.T; W_i.T; W_c.T",
    ),
    Mutant(
        "converters: gains of W x and R h are exchanged",
        LAYOUTS,
        "gW_i gW_c gW_f gW_o; gR_i gR_c gR_f gR_o",
        "gR_i gR_c gR_f gR_o; gW_i gW_c gW_f gW_o",
    ),
    Mutant(
        "converters: gain and shift of the state are exchanged",
        LAYOUTS,
        "s_gain; s_shift",
        "s_shift; s_gain",
    ),
    Mutant(
        "converters: a norm with another epsilon is taken",
        CHECKS,
        "if received != norms:",
        "if 0:",
    ),
    Mutant(
        "converters: systems without zoneout take it",
        CHECKS,
        '"zoneout_h": layout.zoneout',
        '"zoneout_h": True',
    ),
    Mutant(
        "converters: Haste's zoneout is taken for c",
        CHECKS,
        '"zoneout_h": layout.zoneout',
        '"zoneout_c": layout.zoneout',
    ),
    Mutant(
        "converters: systems without projection take it",
        CHECKS,
        '"projection": layout.projects',
        '"projection": True',
    ),
    Mutant(
        "converters: a projected cell's inputs begin where its outputs do",
        LAYOUTS,
        '"kernel": "W_i W_c W_f W_o; R_i R_c R_f R_o",\n            "bias": "b_i b_c b_f b_o",\n',
        '"kernel": "R_i R_c R_f R_o; W_i W_c W_f W_o",\n            "bias": "b_i b_c b_f b_o",\n',
    ),
    Mutant(
        "converters: fused cells of TensorFlow 1 never clip",
        CHECKPOINT,
        "or _clips_at(node) > 0",
        "",
    ),
    Mutant(
        "converters: what a graph does not say is no clipping",
        CHECKPOINT,
        "if given else FUSED.get(node.op, 0.0)",
        "if given else 0.0",
    ),
]


def run(mutant: Mutant) -> str | None:
    """Gives None if the suite notices the mutant, or what it said if not."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("keras_lstm_ext", "tests"):
            shutil.copytree(
                ROOT / name, Path(folder, name), ignore=shutil.ignore_patterns("__pycache__")
            )
        shutil.copy(ROOT / "pyproject.toml", folder)
        path = Path(folder, "keras_lstm_ext", mutant.file)
        text = path.read_text()
        if text.count(mutant.old) != 1:
            return f"its text is found {text.count(mutant.old)} times in {mutant.file}"
        path.write_text(text.replace(mutant.old, mutant.new))
        if path.suffix != ".py":
            build(folder)
        tests = [t for t in tests_for(mutant) if Path(folder, t).exists()]
        options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "tests.shuffled"]
        command = [sys.executable, "-m", "pytest", *options, *tests]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ)
    if done.returncode == 1:
        return None
    return f"pytest ended with {done.returncode}:\n{done.stdout[-2000:]}"


def tests_for(mutant: Mutant) -> list[str]:
    """The tests that have to notice a mutant."""
    if mutant.file.startswith("convert/"):
        return CONVERTER_TESTS
    return TESTS if mutant.file.endswith(".py") else NATIVE_TESTS


def build(folder: str) -> None:
    """Compiles the native library of a mutant."""
    for name in BUILD:
        shutil.copy(ROOT / name, folder)
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    environment = {**os.environ, "KERAS_LSTM_EXT_NATIVE": "required"}
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment)


def main(words: list[str]) -> int:
    """Tries the mutants, two at a time, and reports."""
    chosen = [m for m in MUTANTS if not words or any(word in m.description for word in words)]
    survivors = []
    progress = keras.utils.Progbar(
        len(chosen), unit_name="mutant", verbose=int(sys.stdout.isatty())
    )
    with ThreadPoolExecutor(2) as pool:
        for mutant, survived in zip(chosen, pool.map(run, chosen), strict=True):
            progress.add(1)
            print(f"{'SURVIVED' if survived else 'killed'}: {mutant.description}", flush=True)
            if survived:
                survivors.append(f"SURVIVED: {mutant.description}\n{survived}")
    print(f"\n{len(chosen) - len(survivors)} mutants killed, {len(survivors)} survived")
    print("\n".join(survivors))
    return bool(survivors)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
