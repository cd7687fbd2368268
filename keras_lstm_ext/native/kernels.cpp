// The kernels, compiled once per instruction set: LANES, TILE_ROWS and ISA come from the build.
//
// Everything here has internal linkage and nothing of the C++ library is used: an inline function
// that the linker could merge with its copy in another file would run with the wrong instructions.
#include "kernels.h"

#include "backward.h"
#include "forward.h"
#include "normalized.h"

extern const Kernels ISA;
const Kernels ISA = {LANES, TILE_ROWS, forward, backward, pack_once, one_step};
