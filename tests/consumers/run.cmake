# Configures, builds and runs a consumer project.
#   cmake -DCONSUMER=find_package -DOCTET_SOURCE_DIR=... -DOCTET_BINARY_DIR=... -DCXX=... -DGENERATOR=... \
#     -DLIBRARIES=... -DOCTET_LIBRARY=liboctet.a -P run.cmake
cmake_minimum_required(VERSION 3.20)
include("${CMAKE_CURRENT_LIST_DIR}/installed.cmake")
set(folder "${OCTET_BINARY_DIR}/consumers/${CONSUMER}")
file(REMOVE_RECURSE "${folder}")
if(CONSUMER STREQUAL "find_package")
  execute_process(COMMAND "${CMAKE_COMMAND}" --install "${OCTET_BINARY_DIR}" --prefix "${folder}/prefix"
                          OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  octet_use_installed("${folder}/prefix" "${folder}")
elseif(CONSUMER STREQUAL "add_subdirectory")
  # Builds the library without optimization and x86 kernels, which takes a third of the time.
  octet_build_consumer(add_subdirectory "${folder}/build" "-DOCTET_SOURCE_DIR=${OCTET_SOURCE_DIR}" -DCMAKE_BUILD_TYPE=Debug
                       -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DCMAKE_CXX_FLAGS=-DOCTET_PORTABLE
                       -DCMAKE_INSTALL_LIBDIR=lib/some-architecture)
  # The project installs octet's headers, but not the library, which it does not use.
  execute_process(COMMAND "${CMAKE_COMMAND}" --install "${folder}/build" --prefix "${folder}/prefix" OUTPUT_QUIET
                          COMMAND_ERROR_IS_FATAL ANY)
  octet_build_by_pkg_config("${folder}/prefix" octet "${folder}" small.cpp)
  file(GLOB_RECURSE compiled "${folder}/prefix/*octet-compiled.pc" "${folder}/prefix/*octetCompiledTargets.cmake")
  if(compiled)
    message(FATAL_ERROR "files for a library that is not installed: ${compiled}")
  endif()
else()
  octet_build_consumer(fetch_content "${folder}/build" "-DFETCHCONTENT_SOURCE_DIR_OCTET=${OCTET_SOURCE_DIR}"
                       "-DOCTET_LIBRARY=${OCTET_LIBRARY}")
endif()
