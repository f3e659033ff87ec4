#!/bin/bash
# Compares octet with ONNX Runtime on the same processors. Both run alternately in short rounds, so that other load on the
# machine affects both. Prints for each network, precision and number of threads: the medians of all rounds, and median,
# smallest and largest ratio (octet / ONNX Runtime) of the rounds.
#
#   compare_with_onnxruntime.sh ORT_BENCH.mjs NETS MODULES [NET ...]
#
# ORT_BENCH.mjs THREADS RUNS FILE: a script for node that prints "median_ms=..." for an .onnx file. NETS: a folder of
# NET_u8s8.onnx, NET_dyn.onnx and NET_fp32.onnx; fp16 and bf16 are compared with the last one, too. MODULES: the folder
# whose node_modules contains onnxruntime-node.
# Environment: THREADS ("1 2"), ROUNDS (7), RUNS (10 in each round), PRECISIONS ("int8 dynamic fp32 fp16 bf16"),
# MEMORY (fast: see octet_bench_networks --memory), CPUS (a list for taskset; as many as there are threads, from 0 on),
# BUILD_DIR (build).
set -euo pipefail
if [ $# -lt 3 ]; then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 2
fi
ort_bench=$(realpath "$1") nets=$(realpath "$2") modules=$(realpath "$3")
shift 3
octet=$(realpath "${BUILD_DIR:-$(dirname "$0")/../build}/bin/octet_bench_networks")
rounds=${ROUNDS:-7} runs=${RUNS:-10}
declare -A file=([int8]=u8s8 [dynamic]=dyn [fp32]=fp32 [fp16]=fp32 [bf16]=fp32)

median_of_run() { sed -n 's/.*median_ms=\([0-9.]*\).*/\1/p'; }
run_octet() {  # NET PRECISION THREADS
  taskset -c "$cpus" "$octet" --net "$1" --precision "$2" --threads "$3" --runs "$runs" --memory "${MEMORY:-fast}" |
    median_of_run
}
run_ort() {
  (cd "$modules" && taskset -c "$cpus" node "$ort_bench" "$3" "$runs" "$nets/$1_${file[$2]}.onnx" \
    2> >(grep -v CleanUnusedInitializers >&2)) | median_of_run
}

printf '%-12s %-8s %7s %11s %11s %7s  %s\n' network form threads 'octet (ms)' 'ORT (ms)' ratio 'of the rounds'
for name in "${@:-resnet50 vgg16 mobilenetv2 mobilenetv1 resnet18}"; do
  for net in $name; do
    for precision in ${PRECISIONS:-int8 dynamic fp32 fp16 bf16}; do
      for threads in ${THREADS:-1 2}; do
        cpus=${CPUS:-0-$((threads - 1))}
        for ((round = 0; round < rounds; ++round)); do
          if ((round % 2)); then  # alternate which one runs first
            theirs=$(run_ort "$net" "$precision" "$threads")
            ours=$(run_octet "$net" "$precision" "$threads")
          else
            ours=$(run_octet "$net" "$precision" "$threads")
            theirs=$(run_ort "$net" "$precision" "$threads")
          fi
          echo "$ours $theirs"
        done | awk -v n="$net" -v p="$precision" -v t="$threads" '
          function median(x, n,   i, j, v) {
            for (i = 2; i <= n; ++i) {
              v = x[i]
              for (j = i - 1; j > 0 && x[j] > v; --j) x[j + 1] = x[j]
              x[j + 1] = v
            }
            return n % 2 ? x[(n + 1) / 2] : (x[n / 2] + x[n / 2 + 1]) / 2
          }
          NF == 2 { a[NR] = $1; b[NR] = $2; r[NR] = $1 / $2; ++good }
          END {
            if (!good || good != NR) { print n, p, "failed" > "/dev/stderr"; exit 1 }
            ratio = median(r, NR)
            printf "%-12s %-8s %7d %11.3f %11.3f %7.3f  %.3f .. %.3f\n", n, p, t, median(a, NR), median(b, NR), ratio,
              r[1], r[NR]
          }'
      done
    done
  done
done
