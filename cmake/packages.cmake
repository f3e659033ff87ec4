# Libraries that octet, its program, its tests and its benchmarks use: name, header to detect it, package in Debian and
# Ubuntu.
set(octet_packages
  "eigen       Eigen/Core                 libeigen3-dev"
  "xsimd       xsimd/xsimd.hpp            libxsimd-dev"
  "zlib        zlib.h                     zlib1g-dev"
  "protozero   protozero/pbf_reader.hpp   libprotozero-dev"
  "flatbuffers flatbuffers/flatbuffers.h  libflatbuffers-dev"
  "stb         stb/stb_image.h            libstb-dev"
  "json        nlohmann/json.hpp          nlohmann-json3-dev"
  "cli11       CLI/CLI.hpp                libcli11-dev"
  "doctest     doctest/doctest.h          doctest-dev"
  "benchmark   benchmark/benchmark.h      libbenchmark-dev")
