# Generates the single header, and builds and runs a program of two files with it.
#   cmake -DCXX=... "-DINCLUDES=-isystem;..." -DFOLDER=... -DSCRIPTS=octet/cmake -P single_header.cmake
cmake_minimum_required(VERSION 3.20)
file(REMOVE_RECURSE "${FOLDER}")
execute_process(COMMAND "${CMAKE_COMMAND}" "-DOUT=${FOLDER}/octet/octet.hpp" -P "${SCRIPTS}/single_header.cmake"
                        COMMAND_ERROR_IS_FATAL ANY)
file(STRINGS "${FOLDER}/octet/octet.hpp" left REGEX "^[ \t]*#[ \t]*(include[ \t]*\"|pragma once|include <octet)")
if(NOT left STREQUAL "#pragma once")
  message(FATAL_ERROR "octet.hpp is not one header: it has ${left}")
endif()
foreach(file single_header single_header_other)
  execute_process(COMMAND "${CXX}" -std=c++17 "-I${FOLDER}" ${INCLUDES} -c "${CMAKE_CURRENT_LIST_DIR}/${file}.cpp"
                          -o "${FOLDER}/${file}.o" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
# Without x86 kernels, which changes preprocessor conditions in the header.
execute_process(COMMAND "${CXX}" -std=c++17 -fsyntax-only -DOCTET_PORTABLE "-I${FOLDER}" ${INCLUDES}
                        "${CMAKE_CURRENT_LIST_DIR}/single_header.cpp" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CXX}" "${FOLDER}/single_header.o" "${FOLDER}/single_header_other.o" -o "${FOLDER}/program" -pthread
                        COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${FOLDER}/program" COMMAND_ERROR_IS_FATAL ANY)
