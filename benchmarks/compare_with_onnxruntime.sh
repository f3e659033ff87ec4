#!/bin/bash
# octet and ONNX Runtime in turns, on the same processors, in the same minutes: medians of several rounds and ratios.
#
#   compare_with_onnxruntime.sh ORT_BENCH.mjs NETS MODULES [NET ...]
#
# ORT_BENCH.mjs THREADS RUNS FILE: a script for node that prints "median_ms=..." for an .onnx file. NETS: a folder of
# NET_u8s8.onnx, NET_dyn.onnx and NET_fp32.onnx. MODULES: the folder whose node_modules holds onnxruntime-node.
# Environment: THREADS (1), ROUNDS (5), RUNS (20 in each round), PRECISIONS ("int8 dynamic fp32"), BUILD_DIR (build).
set -euo pipefail
if [ $# -lt 3 ]; then
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 2
fi
ort_bench=$(realpath "$1") nets=$(realpath "$2") modules=$(realpath "$3")
shift 3
octet=$(realpath "${BUILD_DIR:-$(dirname "$0")/../build}/bin/octet_bench_networks")
threads=${THREADS:-1} rounds=${ROUNDS:-5} runs=${RUNS:-20}
declare -A form=([int8]=u8s8 [dynamic]=dyn [fp32]=fp32)

median_of_run() { sed -n 's/.*median_ms=\([0-9.]*\).*/\1/p'; }
median() { sort -n | awk '{ x[NR] = $1 } END { print NR % 2 ? x[(NR + 1) / 2] : (x[NR / 2] + x[NR / 2 + 1]) / 2 }'; }
pinned() { taskset -c "0-$((threads - 1))" "$@"; }

printf '%-12s %-8s %7s %12s %12s %7s\n' network form threads 'octet (ms)' 'ORT (ms)' ratio
for net in "${@:-resnet50 vgg16 mobilenetv2}"; do
  for name in $net; do
    for precision in ${PRECISIONS:-int8 dynamic fp32}; do
      ours='' theirs=''
      for ((round = 0; round < rounds; ++round)); do
        ours+=$(pinned "$octet" --net "$name" --precision "$precision" --threads "$threads" --runs "$runs" \
        | median_of_run)$'\n'
        theirs+=$(cd "$modules" && pinned node "$ort_bench" "$threads" "$runs" "$nets/${name}_${form[$precision]}.onnx" \
        2> >(grep -v CleanUnusedInitializers >&2) | median_of_run)$'\n'
      done
      a=$(printf %s "$ours" | median) b=$(printf %s "$theirs" | median)
      awk -v n="$name" -v p="$precision" -v t="$threads" -v a="$a" -v b="$b" \
        'BEGIN { printf "%-12s %-8s %7d %12.3f %12.3f %7.3f\n", n, p, t, a, b, a / b }'
    done
  done
done
