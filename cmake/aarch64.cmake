# Toolchain for AArch64 Linux; its programs run in qemu's emulator, as the CPU that the environment variable QEMU_CPU
# names:
#   apt-get install g++-aarch64-linux-gnu qemu-user
#   cmake -S . -B build/aarch64 --toolchain cmake/aarch64.cmake -DOCTET_TESTS=^kernels/
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64)

# Libraries that are headers alone are those of this machine; zlib is not built for the other. Without it octet::io is
# left out.
set(CMAKE_DISABLE_FIND_PACKAGE_ZLIB ON)
set(OCTET_FETCH_DEPENDENCIES OFF CACHE BOOL "")
set(OCTET_BUILD_BENCHMARKS OFF CACHE BOOL "")
set(OCTET_BUILD_EXAMPLES OFF CACHE BOOL "")
