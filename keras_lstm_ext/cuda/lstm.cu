// A whole sequence in one kernel, forward or backward, for cells whose outputs alone are fed back.
//
// The recurrent weights stay in the shared memory of the processors from the first step to the last.
// A cluster of CLUSTER blocks has the nets of OWN units: each block multiplies its SLICE of what is
// fed back, the blocks add their sums up through distributed shared memory, and each goes on with a
// part of the rows. After every step all blocks meet, because each needs what all have made.
//
// It is compiled at run time. What a layer and a call are, and how the work is divided, are the
// macros that `engines/cuda/layout.py` writes. Arrays are those of `engines/bptt`, time first.

#if BACKWARD
constexpr int K = NETS * UNITS, M = OWN;  // errors of all nets make those of the own units
#else
constexpr int K = UNITS, M = NETS * OWN;  // all units make the nets of the own units
#endif

constexpr int COLUMNS = NETS * UNITS, THREADS = 256;
constexpr int ROWS = WARPS_N * TILES_N * 8;      // of the batch, with padding
constexpr int WIDTH = WARPS_M * TILES_M * 16;    // M with padding
constexpr int PITCH = CHUNK + 16;                // of a row of a chunk: no two threads in one bank
constexpr int SUM_PITCH = WIDTH + 4;
constexpr int OWN_ROWS = (BATCH + CLUSTER - 1) / CLUSTER;
constexpr int EACH = (OWN * OWN_ROWS + THREADS - 1) / THREADS;  // elements of a thread

extern __shared__ float4 shared[];

// ---- squashing functions, and their slopes at a value ----

enum { SIGMOID, TANH, LINEAR, CENTERED_SIGMOID_2, CENTERED_SIGMOID_1 };

template <int S>
__device__ float squash(float x) {
  if (S == SIGMOID) return 1.0f / (1.0f + expf(-x));
  if (S == TANH) return tanhf(x);
  if (S == CENTERED_SIGMOID_2) return 2.0f * tanhf(0.5f * x);
  if (S == CENTERED_SIGMOID_1) return tanhf(0.5f * x);
  return x;
}

template <int S>
__device__ float slope(float y) {
  if (S == SIGMOID) return y * (1.0f - y);
  if (S == TANH) return 1.0f - y * y;
  if (S == CENTERED_SIGMOID_2) return 1.0f - 0.25f * y * y;
  if (S == CENTERED_SIGMOID_1) return 0.5f - 0.5f * y * y;
  return 1.0f;
}

// ---- blocks that wait for each other ----

__device__ unsigned rank_in_cluster() { return CLUSTER == 1 ? 0 : blockIdx.x % CLUSTER; }

__device__ void cluster_barrier() {
#if CLUSTER == 1
  __syncthreads();
#else
  asm volatile("barrier.cluster.arrive.release;" ::: "memory");
  asm volatile("barrier.cluster.wait.acquire;" ::: "memory");
#endif
}

// What all blocks wrote before they arrive, all blocks see after they waited. `met` counts how often
// they have met. What nobody else reads is written in between, since an arrival waits for it.
__device__ void arrive(unsigned* counter) {
  __syncthreads();
  if (threadIdx.x == 0)
    asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(counter) : "memory");
}

__device__ void wait(const unsigned* counter, unsigned& met) {
  if (threadIdx.x == 0) {
    const unsigned awaited = ++met * gridDim.x;
    unsigned seen;
    do asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(seen) : "l"(counter) : "memory");
    while (seen < awaited);
  }
  __syncthreads();
}

// ---- the product, on matrix units ----

// float32 rounded to 10 bits of fraction; with PRECISE the rest is multiplied as well.
__device__ unsigned rounded(float x) {
  unsigned y;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y) : "f"(x));
  return y;
}

__device__ unsigned rest(float x) { return rounded(x - __uint_as_float(rounded(x))); }

__device__ void multiply_add(float (&d)[4], unsigned a, unsigned b, unsigned c, unsigned e,
                             unsigned x, unsigned y) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a), "r"(b), "r"(c), "r"(e), "r"(x), "r"(y));
}

__device__ void multiply_add(float (&d)[4], float4 a, float x, float y) {
#if PRECISE
  multiply_add(d, rest(a.x), rest(a.y), rest(a.z), rest(a.w), rounded(x), rounded(y));
  multiply_add(d, rounded(a.x), rounded(a.y), rounded(a.z), rounded(a.w), rest(x), rest(y));
#endif
  multiply_add(d, rounded(a.x), rounded(a.y), rounded(a.z), rounded(a.w), rounded(x), rounded(y));
}

// Where a matrix unit's thread finds its four weights of 16 rows and 8 of 16 columns: a thread takes
// four neighbours of the columns, two for each of two products.
__device__ int place(int m, int k) {
  const int lane = m % 8 * 4 + k % 16 / 4, group = m / 16 * (SLICE / 16) + k / 16;
  return ((group * 2 + k % 4 / 2) * 32 + lane) * 4 + m % 16 / 8 + 2 * (k % 2);
}

__device__ float* weights() { return reinterpret_cast<float*>(shared); }
__device__ float* work() { return weights() + WIDTH * SLICE; }  // chunks, then the sums of them

__device__ void load_weights(const float* R) {
  const int first = rank_in_cluster() * SLICE, unit = blockIdx.x / CLUSTER * OWN;
  for (int at = threadIdx.x; at < WIDTH * SLICE; at += THREADS) {
#if BACKWARD
    const int k = at % SLICE, m = at / SLICE;
    const bool there = m < M && first + k < K && unit + m < UNITS;
    weights()[place(m, k)] = there ? R[(size_t)(unit + m) * COLUMNS + first + k] : 0.0f;
#else
    const int m = at % WIDTH, k = at / WIDTH;
    const bool there = m < M && first + k < K && unit + m % OWN < UNITS;
    const int column = m / OWN * UNITS + unit + m % OWN;
    weights()[place(m, k)] = there ? R[(size_t)(first + k) * COLUMNS + column] : 0.0f;
#endif
  }
  __syncthreads();
}

// Begins to bring columns of all rows; past the second-level cache nothing is what others wrote.
__device__ void bring(const float* x, int chunk) {
  float* to = work() + chunk % STAGES * ROWS * PITCH;
  for (int at = threadIdx.x; at < ROWS * CHUNK / 4; at += THREADS) {
    const int row = at / (CHUNK / 4), k = at % (CHUNK / 4) * 4;
    const int column = rank_in_cluster() * SLICE + chunk * CHUNK + k;
    const bool there = row < BATCH && column < K;
    const unsigned place = __cvta_generic_to_shared(to + row * PITCH + k);
    const float* from = there ? x + (size_t)row * K + column : x;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(place), "l"(from),
                 "r"(there ? 16 : 0)
                 : "memory");
  }
}

// The sums over the block's slice, for `sum` to add up; the cluster has met after it.
__device__ void product(const float* x) {
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int warp_m = warp % WARPS_M, warp_n = warp / WARPS_M % WARPS_N;
  const int warp_k = warp / (WARPS_M * WARPS_N);
  float sums[TILES_M][TILES_N][4] = {};
#pragma unroll
  for (int chunk = 0; chunk < STAGES; ++chunk) {
    if (chunk < SLICE / CHUNK) bring(x, chunk);
    asm volatile("cp.async.commit_group;" ::: "memory");
  }
  for (int chunk = 0; chunk < SLICE / CHUNK; ++chunk) {
    asm volatile("cp.async.wait_group %0;" ::"n"(STAGES - 1) : "memory");
    __syncthreads();
    const float* from = work() + chunk % STAGES * ROWS * PITCH;
    for (int group = warp_k; group < (warp_k < WARPS_K ? CHUNK / 16 : 0); group += WARPS_K) {
      float4 b[TILES_N];
#pragma unroll
      for (int n = 0; n < TILES_N; ++n)
        b[n] = *reinterpret_cast<const float4*>(
            from + ((warp_n * TILES_N + n) * 8 + lane / 4) * PITCH + group * 16 + lane % 4 * 4);
#pragma unroll
      for (int m = 0; m < TILES_M; ++m) {
        const int tile = warp_m * TILES_M + m;
        const float4* a =
            shared + (tile * (SLICE / 16) + chunk * (CHUNK / 16) + group) * 64 + lane;
#pragma unroll
        for (int n = 0; n < TILES_N; ++n) {
          multiply_add(sums[m][n], a[0], b[n].x, b[n].y);
          multiply_add(sums[m][n], a[32], b[n].z, b[n].w);
        }
      }
    }
    if (chunk + STAGES < SLICE / CHUNK) {
      __syncthreads();
      bring(x, chunk + STAGES);
    }
    asm volatile("cp.async.commit_group;" ::: "memory");
  }
  __syncthreads();
  if (warp_k < WARPS_K) {
    float* to = work() + warp_k * ROWS * SUM_PITCH;
#pragma unroll
    for (int m = 0; m < TILES_M; ++m)
#pragma unroll
      for (int n = 0; n < TILES_N; ++n)
#pragma unroll
        for (int k = 0; k < 4; ++k)
          to[((warp_n * TILES_N + n) * 8 + lane % 4 * 2 + k % 2) * SUM_PITCH +
             (warp_m * TILES_M + m) * 16 + lane / 4 + k / 2 * 8] = sums[m][n][k];
  }
  cluster_barrier();
}

__device__ float sum(int row, int m) {
  float total = 0.0f;
#pragma unroll
  for (int part = 0; part < WARPS_K; ++part) {
    const float* at = work() + (part * ROWS + row) * SUM_PITCH + m;
#if CLUSTER == 1
    total += *at;
#else
    const unsigned here = __cvta_generic_to_shared(at);
#pragma unroll
    for (int block = 0; block < CLUSTER; ++block) {
      unsigned there;
      float value;
      asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(here), "r"(block));
      asm volatile("ld.shared::cluster.f32 %0, [%1];" : "=f"(value) : "r"(there) : "memory");
      total += value;
    }
#endif
  }
  return total;
}

// ---- elements: a unit of a row ----

struct Element {
  bool there;
  int unit, row, own;  // `own` is the unit's place in the cluster
  int at;              // in (batch, units)

  __device__ explicit Element(int e) {
    const int index = threadIdx.x + e * THREADS;
    own = index % OWN;
    unit = blockIdx.x / CLUSTER * OWN + own;
    row = rank_in_cluster() * OWN_ROWS + index / OWN;
    there = index < OWN * OWN_ROWS && row < BATCH && unit < UNITS;
    at = row * UNITS + unit;
  }

  __device__ size_t net(int t, int k) const {
    return ((size_t)t * BATCH + row) * COLUMNS + k * UNITS + unit;
  }

  __device__ size_t state(int t) const { return (size_t)t * BATCH * UNITS + at; }

  __device__ bool skipped(const bool* mask, int t) const {
    return MASKED && !mask[(size_t)t * BATCH + row];
  }

  __device__ float peephole(const float* p, int gate) const {
    return PEEPHOLES && gate >= 0 && there ? p[gate * UNITS + unit] : 0.0f;
  }
};

constexpr int GATE_F = I >= 0, GATE_O = GATE_F + (F >= 0);  // rows of p

#if !BACKWARD

extern "C" __global__ void __launch_bounds__(THREADS, 1)
    lstm(const float* z, const float* R, const float* p, const float* h_0, const float* c_0,
         const bool* mask, float* h, float* c, float* nets, unsigned* counter, int time) {
  unsigned met = 0;
  float z_own[EACH][NETS], h_own[EACH], c_own[EACH];
  load_weights(R);
#pragma unroll
  for (int e = 0; e < EACH; ++e) {
    const Element x(e);
    h_own[e] = x.there ? h_0[x.at] : 0.0f;
    c_own[e] = x.there ? c_0[x.at] : 0.0f;
    for (int k = 0; k < NETS; ++k) z_own[e][k] = x.there ? z[x.net(0, k)] : 0.0f;
  }
  for (int t = 0; t < time; ++t) {
    product(t ? h + (size_t)(t - 1) * BATCH * UNITS : h_0);
    float net[EACH][NETS];
#pragma unroll
    for (int e = 0; e < EACH; ++e) {
      const Element x(e);
      if (!x.there) continue;
      float* y = net[e];
#pragma unroll
      for (int k = 0; k < NETS; ++k) y[k] = z_own[e][k] + sum(x.row, k * OWN + x.own);
      const float c_before = c_own[e];
      float kept = COUPLED ? 0.0f : DECAY * c_before, taken = y[C] = squash<ACTIVATION>(y[C]);
      if constexpr (I >= 0) {
        y[I] = squash<SIGMA>(y[I] + x.peephole(p, 0) * c_before);
        taken *= y[I];
        if (COUPLED) kept = (1.0f - y[I]) * c_before;
      }
      if constexpr (F >= 0) {
        y[F] = squash<SIGMA>(y[F] + x.peephole(p, GATE_F) * c_before);
        kept = y[F] * c_before;
      }
      const float c_new = taken + kept;
      float h_new = squash<OUTPUT_ACTIVATION>(c_new);
      if constexpr (O >= 0) {
        y[O] = squash<SIGMA>(y[O] + x.peephole(p, GATE_O) * c_new);
        h_new *= y[O];
      }
      if (!x.skipped(mask, t)) h_own[e] = h_new, c_own[e] = c_new;
      h[x.state(t)] = h_own[e];
    }
    const bool last = t + 1 == time;
    if (!last) arrive(counter);
#pragma unroll
    for (int e = 0; e < EACH; ++e) {
      const Element x(e);
      if (!x.there) continue;
      if (KEEPS || last) c[x.state(KEEPS ? t : 0)] = c_own[e];
#pragma unroll
      for (int k = 0; k < NETS; ++k) {
        if (KEEPS) nets[x.net(t, k)] = net[e][k];
        if (!last) z_own[e][k] = z[x.net(t + 1, k)];
      }
    }
    if (!last) wait(counter, met);
  }
  cluster_barrier();  // a block that has gone has no memory to read
}

#else

extern "C" __global__ void __launch_bounds__(THREADS, 1)
    lstm(const float* R, const float* p, const float* c_0, const bool* mask, const float* c,
         const float* nets, const float* d_h, const float* d_h_last, const float* d_c_last,
         float* d_z, float* d_h_0, float* d_c_0, float* d_p, unsigned* counter, int time) {
  unsigned met = 0;
  // The error at h past steps that are skipped, or from the end; at c; at the peepholes.
  float d_past[EACH], d_state[EACH], d_peephole[EACH][3] = {};
  float net[EACH][NETS], c_now[EACH], c_before[EACH], d_shown[EACH];  // read in advance
  auto read = [&](int t) {
#pragma unroll
    for (int e = 0; e < EACH; ++e) {
      const Element x(e);
      if (!x.there) continue;
      for (int k = 0; k < NETS; ++k) net[e][k] = nets[x.net(t, k)];
      c_before[e] = t ? c[x.state(t - 1)] : c_0[x.at];
      d_shown[e] = SHOWS ? d_h[x.state(t)] : 0.0f;
    }
  };
  if (!TRUNCATED) load_weights(R);
#pragma unroll
  for (int e = 0; e < EACH; ++e) {
    const Element x(e);
    d_past[e] = x.there ? d_h_last[x.at] : 0.0f;
    d_state[e] = x.there ? d_c_last[x.at] : 0.0f;
    c_now[e] = x.there ? c[x.state(time - 1)] : 0.0f;
  }
  read(time - 1);
  for (int t = time - 1; t >= 0; --t) {
#pragma unroll
    for (int e = 0; e < EACH; ++e) {
      const Element x(e);
      if (!x.there) continue;
      float d = d_shown[e] + d_past[e], d_net[NETS] = {};
      if (!TRUNCATED && t + 1 < time) d += sum(x.row, x.own);
      const bool skipped = x.skipped(mask, t);
      d_past[e] = skipped ? d : 0.0f;
      if (!skipped) {
        const float squashed = squash<OUTPUT_ACTIVATION>(c_now[e]);
        float d_c = d_state[e];
        if constexpr (O >= 0) {
          d_net[O] = d * squashed * slope<SIGMA>(net[e][O]);
          d *= net[e][O];
          d_peephole[e][2] += d_net[O] * c_now[e];
          if (!TRUNCATED) d_c += x.peephole(p, GATE_O) * d_net[O];
        }
        d_c += d * slope<OUTPUT_ACTIVATION>(squashed);
        float d_g = d_c, d_old = COUPLED ? 0.0f : DECAY * d_c;
        if constexpr (F >= 0) {
          d_net[F] = d_c * c_before[e] * slope<SIGMA>(net[e][F]);
          d_old = d_c * net[e][F];
          d_peephole[e][1] += d_net[F] * c_before[e];
          if (!TRUNCATED) d_old += x.peephole(p, GATE_F) * d_net[F];
        }
        if constexpr (I >= 0) {
          const float g = COUPLED ? net[e][C] - c_before[e] : net[e][C];
          d_net[I] = d_c * g * slope<SIGMA>(net[e][I]);
          d_g = d_c * net[e][I];
          if (COUPLED) d_old = d_c * (1.0f - net[e][I]);
          d_peephole[e][0] += d_net[I] * c_before[e];
          if (!TRUNCATED) d_old += x.peephole(p, 0) * d_net[I];
        }
        d_net[C] = d_g * slope<ACTIVATION>(net[e][C]);
        d_state[e] = d_old;
      }
      for (int k = 0; k < NETS; ++k) d_z[x.net(t, k)] = d_net[k];
      c_now[e] = c_before[e];
    }
    if (!TRUNCATED) arrive(counter);
    if (t) read(t - 1);
    if (TRUNCATED) continue;
    wait(counter, met);
    product(d_z + (size_t)t * BATCH * COLUMNS);
  }
#pragma unroll
  for (int e = 0; e < EACH; ++e) {
    const Element x(e);
    if (!x.there) continue;
    d_h_0[x.at] = d_past[e] + (TRUNCATED ? 0.0f : sum(x.row, x.own));
    d_c_0[x.at] = d_state[e];
    constexpr int gates[] = {I >= 0 ? 0 : -1, F >= 0 ? GATE_F : -1, O >= 0 ? GATE_O : -1};
    for (int k = 0; PEEPHOLES && k < 3; ++k)
      if (gates[k] >= 0) d_p[x.state(gates[k])] = d_peephole[e][k];
  }
  cluster_barrier();
}

#endif
