# cmake -P cmake/bench.cmake: installs missing packages, builds the benchmarks and runs those of the kernels. Options of
# the program can follow: cmake -P cmake/bench.cmake -- --benchmark_filter=gemm
include("${CMAKE_CURRENT_LIST_DIR}/setup.cmake")

octet_arguments(arguments)
octet_configure(-DOCTET_BUILD_BENCHMARKS=ON)
octet_build(octet_bench_kernels octet_bench_networks octet_bench_training)
octet_run("octet_bench_kernels" "${BUILD_DIR}/bin/octet_bench_kernels" ${arguments})
