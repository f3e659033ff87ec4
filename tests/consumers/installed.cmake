# octet_use_installed(PREFIX FOLDER): in FOLDER, builds and runs programs with the installation in PREFIX, by
# find_package and by pkg-config. Uses CXX, GENERATOR, LIBRARIES and OCTET_BINARY_DIR.

# octet_build_consumer(NAME FOLDER OPTIONS ...): configures and builds the project NAME, and runs its programs.
function(octet_build_consumer name folder)
  execute_process(COMMAND "${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/${name}" -B "${folder}" -G "${GENERATOR}"
                          "-DCMAKE_CXX_COMPILER=${CXX}" -DCMAKE_CXX_FLAGS=-DOCTET_NO_OPTIMIZATION_MESSAGE
                          ${LIBRARIES} ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
  cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
  execute_process(COMMAND "${CMAKE_COMMAND}" --build "${folder}" --parallel ${cores} COMMAND_ERROR_IS_FATAL ANY)
  file(GLOB programs "${folder}/consumer" "${folder}/with_io" "${folder}/compiled")
  if(NOT programs)
    message(FATAL_ERROR "no program was built")
  endif()
  foreach(program ${programs})
    execute_process(COMMAND "${program}" COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
endfunction()

# octet_build_by_pkg_config(PREFIX PACKAGE FOLDER SOURCES ...): builds without CMake, if pkg-config and the packages that
# PACKAGE requires are available.
function(octet_build_by_pkg_config prefix package folder)
  file(GLOB_RECURSE pc "${prefix}/lib*/${package}.pc")
  if(NOT pc)
    message(FATAL_ERROR "${package}.pc does not exist in ${prefix}")
  endif()
  get_filename_component(pc_folder "${pc}" DIRECTORY)
  get_filename_component(libraries "${pc_folder}" DIRECTORY)
  set(ENV{PKG_CONFIG_PATH} "${pc_folder}")
  set(ENV{LD_LIBRARY_PATH} "${libraries}")
  find_program(OCTET_PKG_CONFIG NAMES pkg-config pkgconf)
  if(OCTET_PKG_CONFIG)
    execute_process(COMMAND "${OCTET_PKG_CONFIG}" --exists xsimd RESULT_VARIABLE no_xsimd)
  endif()
  # (The linker does not find a downloaded zlib.)
  if(NOT OCTET_PKG_CONFIG OR (package STREQUAL "octet" AND no_xsimd) OR "${LIBRARIES}" MATCHES "octet_zlib")
    message(STATUS "${package}.pc is not used: pkg-config, xsimd.pc or zlib is not installed")
    return()
  endif()
  execute_process(COMMAND "${OCTET_PKG_CONFIG}" --cflags --libs ${package} OUTPUT_VARIABLE flags
                          OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  list(TRANSFORM ARGN PREPEND "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/" OUTPUT_VARIABLE sources)
  execute_process(COMMAND "${CXX}" -std=c++17 ${sources} -o "${folder}/${package}" ${flags} COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND "${folder}/${package}" COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(octet_use_installed prefix folder)
  execute_process(COMMAND "${CMAKE_COMMAND}" "-DINCLUDE=${prefix}/include/octet" "-DFOLDER=${folder}" -DWHAT=names
                          -P "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/public_headers.cmake" COMMAND_ERROR_IS_FATAL ANY)
  octet_build_consumer(find_package "${folder}/build" "-DCMAKE_PREFIX_PATH=${prefix}")
  octet_build_consumer(compiled_only "${folder}/compiled_only" "-DCMAKE_PREFIX_PATH=${prefix}")
  octet_build_by_pkg_config("${prefix}" octet-compiled "${folder}" main.cpp other.cpp)
  octet_build_by_pkg_config("${prefix}" octet "${folder}" small.cpp)
endfunction()
