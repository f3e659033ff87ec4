#!/bin/bash
# Measures the time to compile small programs with octet (user seconds, median of three), compared with an empty main with
# nlohmann/json; the time to compile the library, by object; and the sizes of programs that are linked with it.
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

measure() {  # measure SOURCE FLAGS...: user seconds, the median of three, and peak memory in MB
  python3 - "$compiler" "${flags[@]}" "${@:2}" -c "$folder/$1.cpp" -o "$folder/$1.o" << 'END'
import resource, subprocess, sys
used, before = [], 0
for _ in range(3):
    subprocess.run(sys.argv[1:], check=True)
    total = resource.getrusage(resource.RUSAGE_CHILDREN)
    used.append(total.ru_utime - before)
    before = total.ru_utime
print(f"{sorted(used)[1]:.2f} {total.ru_maxrss // 1000}")
END
}

printf '%s\n' "$("$compiler" --version | head -1)"
read -r json _ <<< "$(measure json)"
row() {  # row TEXT SOURCE FLAGS...
  local used memory
  read -r used memory <<< "$(measure "${@:2}")"
  printf '%-58s %6.2f s  %5.2f J  %5d MB\n' "$1" "$used" "$(echo "$used / $json" | bc -l)" "$memory"
}
printf '%-58s %6.2f s  %5.2f J\n' "nlohmann/json.hpp, an empty main (J)" "$json" 1
row "one quantize<int8>(tensor), compiled use" tensor -DOCTET_COMPILED
row "the README's first snippet, compiled use" model -DOCTET_COMPILED
row "a file that trains, compiled use" training -DOCTET_COMPILED
row "octet/quantize.hpp, one quantize<int8>(tensor), headers" tensor_only
row "octet/octet.hpp, an empty main, headers" empty
row "the README's first snippet, headers" model

build="$folder/build"
CXX=$compiler cmake -S . -B "$build" -G Ninja -DOCTET_BUILD_TESTS=OFF -DOCTET_BUILD_EXAMPLES=OFF -DOCTET_BUILD_BENCHMARKS=OFF > /dev/null
ninja -C "$build" -j1 > /dev/null
awk '!/^#/ && $4 ~ /\.o$/ { t = ($2 - $1) / 1000; sum += t; if (t > most) most = t; n++ }
  END { printf "%-58s %6.1f s\n%-58s %6.1f s\n", "octet::compiled, sum of " n " objects", sum, "its longest object", most }' "$build/.ninja_log"
echo 'int main() { return classify({octet::Tensor<float>({1, 224, 224, 3})}).shape().rank(); }' >> "$folder/model.cpp"
echo 'int main(int n, char**) { return q({reinterpret_cast<float*>(&n), {1}}).shape().rank(); }' >> "$folder/tensor.cpp"
for source in tensor model; do
  row=$([ $source = tensor ] && echo first || echo second)
  "$compiler" "${flags[@]}" -DOCTET_COMPILED "$folder/$source.cpp" -o "$folder/$source" "$build/liboctet.a" -lz -pthread -s -Wl,--gc-sections
  printf '%-58s %6.2f MB\n' "program of the $row row, stripped, --gc-sections" "$(echo "$(stat -c %s "$folder/$source") / 1000000" | bc -l)"
done
