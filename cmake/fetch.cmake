# Downloads pinned releases of libraries that are not installed (into the build folder).
include(FetchContent)
if(POLICY CMP0135)
  cmake_policy(SET CMP0135 NEW)  # extracted files get the time of extraction
endif()

set(octet_github https://github.com)
set(octet_sources
  "eigen https://gitlab.com/libeigen/eigen/-/archive/3.4.0/eigen-3.4.0.tar.bz2 b4c198460eba6f28d34894e3a5710998818515104d6e74e5cc331ce31e46e626"
  "xsimd ${octet_github}/xtensor-stack/xsimd/archive/13.2.0.tar.gz edd8cd3d548c185adc70321c53c36df41abe64c1fe2c67bc6d93c3ecda82447a"
  "zlib ${octet_github}/madler/zlib/releases/download/v1.3.1/zlib-1.3.1.tar.gz 9a93b2b7dfdac77ceba5a558a580e74667dd6fede4585b91eefb60f03b72df23"
  "protozero ${octet_github}/mapbox/protozero/archive/refs/tags/v1.7.1.tar.gz 27e0017d5b3ba06d646a3ec6391d5ccc8500db821be480aefd2e4ddc3de5ff99"
  "flatbuffers ${octet_github}/google/flatbuffers/archive/refs/tags/v23.5.26.tar.gz 1cce06b17cddd896b6d73cc047e36a254fb8df4d7ea18a46acf16c4c0cd3f3f3"
  "stb ${octet_github}/nothings/stb/archive/8b5f1f37b5b75829fc72d38e7b5d4bcbf8a26d55.zip 93a16ee3e866e719feec459f6f132cce932c5ec751eb38e3ec1975f911353d2e"
  "json ${octet_github}/nlohmann/json/releases/download/v3.11.3/json.tar.xz d6c65aca6b1ed68e7a182f4757257b107ae403032760ed6ef121c9d55e81757d"
  "cli11 ${octet_github}/CLIUtils/CLI11/archive/v2.1.2.tar.gz 26291377e892ba0e5b4972cdfd4a2ab3bf53af8dac1f4ea8fe0d1376b625c8cb"
  "doctest ${octet_github}/doctest/doctest/archive/v2.4.9.tar.gz 19b2df757f2f3703a5e63cee553d85596875f06d91a3333acd80a969ef210856"
  "benchmark ${octet_github}/google/benchmark/archive/refs/tags/v1.7.1.tar.gz 6430e4092653380d9dc4ccb45a1e2dc9259d581f4866dc0759713126056bc1d7")

# octet_download(NAME FOLDER): puts the sources of NAME into a folder of that name and sets FOLDER to its parent.
function(octet_download name folder)
  set(${folder} "" PARENT_SCOPE)
  set(entry ${octet_sources})
  list(FILTER entry INCLUDE REGEX "^${name} ")
  if(NOT OCTET_FETCH_DEPENDENCIES OR NOT entry)
    return()
  endif()
  separate_arguments(entry)
  list(GET entry 1 url)
  list(GET entry 2 hash)
  set(base "${FETCHCONTENT_BASE_DIR}/octet_${name}-src")
  message(STATUS "Downloading ${name}, which is not installed")
  FetchContent_Declare(octet_${name} URL "${url}" URL_HASH "SHA256=${hash}" SOURCE_DIR "${base}/${name}"
                       SOURCE_SUBDIR no_build)
  FetchContent_MakeAvailable(octet_${name})
  set(${folder} "${base}" PARENT_SCOPE)
endfunction()

# octet_fetch(NAME VARIABLE): a header-only library; sets the cache entry VARIABLE to its include folder.
function(octet_fetch name variable)
  octet_download(${name} folder)
  if(NOT folder)
    return()
  elseif(name STREQUAL "stb")  # its headers are not in a folder called stb
    set(include "${folder}")
  elseif(EXISTS "${folder}/${name}/include")
    set(include "${folder}/${name}/include")
  else()
    set(include "${folder}/${name}")
  endif()
  set(${variable} "${include}" CACHE PATH "Downloaded" FORCE)
endfunction()

# zlib's own CMake files do not work with every version of CMake; its sources need no configuration. (A macro, because
# languages cannot be enabled in a function.)
macro(octet_fetch_zlib)
  octet_download(zlib octet_zlib_folder)
  if(octet_zlib_folder)
    enable_language(C)
    file(GLOB octet_zlib_sources "${octet_zlib_folder}/zlib/*.c")
    add_library(octet_zlib STATIC ${octet_zlib_sources})
    target_compile_definitions(octet_zlib PRIVATE HAVE_UNISTD_H)
    set_target_properties(octet_zlib PROPERTIES POSITION_INDEPENDENT_CODE ON)  # octet_compiled may be a shared library
    octet_add_imported(zlib)
    target_include_directories(octet::zlib SYSTEM INTERFACE "${octet_zlib_folder}/zlib")
    target_link_libraries(octet::zlib INTERFACE octet_zlib)
  endif()
endmacro()

# octet_fetch_benchmark(): Google Benchmark as octet::benchmark, also built without its own CMake files.
function(octet_fetch_benchmark)
  octet_download(benchmark folder)
  if(folder)
    file(GLOB sources "${folder}/benchmark/src/*.cc")
    list(FILTER sources EXCLUDE REGEX "benchmark_main")
    add_library(octet_benchmark STATIC ${sources})
    target_include_directories(octet_benchmark SYSTEM PUBLIC "${folder}/benchmark/include")
    target_compile_definitions(octet_benchmark PUBLIC BENCHMARK_STATIC_DEFINE PRIVATE HAVE_STD_REGEX HAVE_STEADY_CLOCK)
    target_link_libraries(octet_benchmark PUBLIC octet::threads)
    octet_add_imported(benchmark)
    target_link_libraries(octet::benchmark INTERFACE octet_benchmark)
  endif()
endfunction()
