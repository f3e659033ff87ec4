# cmake [-DOUT=octet.hpp] -P cmake/single_header.cmake: writes octet as one header, which needs only the standard library
# and xsimd. It holds octet/octet.hpp with all definitions, the operators and the built-in models; not the files of
# octet/io for models, images and data sets, nor the reports.
cmake_minimum_required(VERSION 3.20)
if(NOT OUT)
  set(OUT octet.hpp)
endif()
get_filename_component(OUT "${OUT}" ABSOLUTE BASE_DIR "${CMAKE_BINARY_DIR}")
get_filename_component(octet_include "${CMAKE_CURRENT_LIST_DIR}/../include/octet" ABSOLUTE)
set(octet_headers octet.hpp quantize.hpp operators/all.hpp models/builtin.hpp models/classifier.hpp)

set_property(GLOBAL PROPERTY octet_included)

# octet_write(FILE): appends FILE, with what it includes in place of its #include "..." lines. A file with #pragma once is
# written once, others as often as they are included.
function(octet_write file)
  file(READ "${file}" text)
  if(text MATCHES "(^|\n)#pragma once\n")
    get_property(included GLOBAL PROPERTY octet_included)
    if(file IN_LIST included)
      return()
    endif()
    set_property(GLOBAL APPEND PROPERTY octet_included "${file}")
    string(REPLACE "#pragma once\n" "" text "${text}")
  endif()
  get_filename_component(folder "${file}" DIRECTORY)
  file(RELATIVE_PATH name "${octet_include}" "${file}")
  file(APPEND "${OUT}" "\n// octet/${name}\n")
  while(text MATCHES "(^|\n)([ \t]*#[ \t]*include[ \t]*\"([^\"\n]+)\"[^\n]*\n)")
    set(line "${CMAKE_MATCH_2}")
    set(included "${CMAKE_MATCH_3}")
    string(FIND "${text}" "${line}" begin)
    string(LENGTH "${line}" length)
    math(EXPR end "${begin} + ${length}")
    string(SUBSTRING "${text}" 0 ${begin} before)
    string(SUBSTRING "${text}" ${end} -1 text)
    file(APPEND "${OUT}" "${before}")
    get_filename_component(included "${folder}/${included}" ABSOLUTE)
    if(NOT EXISTS "${included}")
      message(FATAL_ERROR "${file} includes ${included}, which does not exist")
    endif()
    octet_write("${included}")
  endwhile()
  file(APPEND "${OUT}" "${text}")
endfunction()

file(STRINGS "${octet_include}/core/config.hpp" version REGEX "define OCTET_VERSION \"")
string(REGEX MATCH "[0-9]+[.][0-9]+[.][0-9]+" version "${version}")
file(READ "${CMAKE_CURRENT_LIST_DIR}/../LICENSE" license)
string(REGEX REPLACE "\n+$" "" license "${license}")
file(WRITE "${OUT}" "#pragma once
// octet ${version} as one header, made of its sources by cmake/single_header.cmake. Needs xsimd; link with -pthread.
/*
${license}
*/
#if defined(OCTET_COMPILED)
#  error \"octet as one header holds all definitions; OCTET_COMPILED is for the folder of headers\"
#endif
")
foreach(header ${octet_headers})
  octet_write("${octet_include}/${header}")
endforeach()
message(STATUS "Written: ${OUT}")
