#!/bin/bash
# User seconds it takes to compile small programs with octet, beside an empty main with nlohmann/json: median of three.
#   benchmarks/compile_time.sh [COMPILER]
set -euo pipefail
cd "$(dirname "$0")/.."
compiler=${1:-g++}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
flags=(-std=c++17 -O2 -Iinclude -isystem /usr/include/eigen3)

cat > "$folder/json.cpp" << 'END'
#include <nlohmann/json.hpp>
int main() {}
END
cat > "$folder/tensor.cpp" << 'END'
#include <octet/octet.hpp>
octet::QTensor<octet::int8> q(octet::View<const float> w) { return octet::quantize<octet::int8>(w, octet::per_channel(0)); }
END
sed 's|octet/octet.hpp|octet/quantize.hpp|' "$folder/tensor.cpp" > "$folder/tensor_only.cpp"
sed -n '/^```cpp/,/^```$/p' README.md | sed -n '2,/^```$/p' | sed '$d' > "$folder/model.cpp"
cat > "$folder/training.cpp" << 'END'
#include <octet/octet.hpp>
octet::Model train(const octet::Model& model, const octet::Examples& images) {
  octet::Trainer trainer(octet::prepare_qat(model));
  trainer.fit(images, 5);
  return octet::convert(trainer.model());
}
END
cat > "$folder/empty.cpp" << 'END'
#include <octet/octet.hpp>
int main() {}
END

seconds() {  # seconds SOURCE FLAGS...: the median of three
  local source=$1
  shift
  for _ in 1 2 3; do
    { TIMEFORMAT=%U; time "$compiler" "${flags[@]}" "$@" -c "$folder/$source.cpp" -o "$folder/$source.o"; } 2>&1
  done | sort -n | sed -n 2p
}

printf '%s\n' "$("$compiler" --version | head -1)"
json=$(seconds json)
row() {  # row TEXT SOURCE FLAGS...
  local s
  s=$(seconds "${@:2}")
  printf '%-58s %6.2f s  %5.2f J\n' "$1" "$s" "$(echo "$s / $json" | bc -l)"
}
printf '%-58s %6.2f s  %5.2f J\n' "nlohmann/json.hpp, an empty main (J)" "$json" 1
row "one quantize<int8>(tensor), compiled use" tensor -DOCTET_COMPILED
row "this page's first snippet, compiled use" model -DOCTET_COMPILED
row "a file that trains, compiled use" training -DOCTET_COMPILED
row "octet/quantize.hpp, one quantize<int8>(tensor), headers" tensor_only
row "octet/octet.hpp, an empty main, headers" empty
row "this page's first snippet, headers" model
