# Builds the Debian packages, unpacks them, checks their contents, and uses them.
#   cmake -DOCTET_SOURCE_DIR=... -DOCTET_BINARY_DIR=... -DVERSION=... -DBUILD_TYPE=... -DPROGRAM=ON -DCXX=... -DGENERATOR=... \
#     -DLIBRARIES=... -DCPACK=cpack -P packages.cmake
cmake_minimum_required(VERSION 3.20)
include("${CMAKE_CURRENT_LIST_DIR}/installed.cmake")
set(folder "${OCTET_BINARY_DIR}/consumers/packages")
set(root "${folder}/root")
file(REMOVE_RECURSE "${folder}")
file(MAKE_DIRECTORY "${root}")
execute_process(COMMAND "${CPACK}" -G DEB --config "${OCTET_BINARY_DIR}/CPackConfig.cmake" -B "${folder}"
                        COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND dpkg --print-architecture OUTPUT_VARIABLE arch OUTPUT_STRIP_TRAILING_WHITESPACE)

# octet_unpack(PACKAGE FIELD PATTERN ...): unpacks a package; fails if a field does not match.
function(octet_unpack package)
  set(file "${folder}/${package}_${VERSION}_${arch}.deb")
  execute_process(COMMAND dpkg-deb -x "${file}" "${root}" COMMAND_ERROR_IS_FATAL ANY)
  while(ARGN)
    list(POP_FRONT ARGN field pattern)
    execute_process(COMMAND dpkg-deb -f "${file}" "${field}" OUTPUT_VARIABLE value OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(NOT value MATCHES "${pattern}")
      message(FATAL_ERROR "${package}: ${field} is '${value}', expected a match of '${pattern}'")
    endif()
  endwhile()
endfunction()

set(expected usr/include/octet/octet.hpp usr/share/doc/liboctet-dev/copyright)
foreach(file liboctet.a cmake/octet/octetConfig.cmake cmake/octet/octetCompiledTargets.cmake pkgconfig/octet.pc
             pkgconfig/octet-compiled.pc)
  list(APPEND expected "usr/lib*/${file}")
endforeach()
octet_unpack(liboctet-dev Package "^liboctet-dev$" Version "^${VERSION}$" Section "^libdevel$" Depends "libxsimd-dev.*zlib1g-dev"
             Recommends "libeigen3-dev.*nlohmann-json3-dev")
if(PROGRAM)
  octet_unpack(octet Package "^octet$" Version "^${VERSION}$" Depends "libc6.*libstdc[+][+]6.*zlib1g")
  list(APPEND expected usr/bin/octet usr/share/doc/octet/copyright)
endif()

file(GLOB_RECURSE files RELATIVE "${root}" "${root}/*")
foreach(pattern ${expected})
  string(REGEX REPLACE "[.]" "[.]" pattern "${pattern}")
  string(REPLACE "lib*/" "lib/([^/]+/)?" pattern "${pattern}")
  set(found ${files})
  list(FILTER found INCLUDE REGEX "^${pattern}$")
  if(NOT found)
    message(FATAL_ERROR "no package has ${pattern}; they have: ${files}")
  endif()
endforeach()
list(FILTER files EXCLUDE REGEX
     "^usr/(include/octet/.*[.](hpp|inl)|lib/.*(liboctet[.]a|[.]cmake|[.]pc)|bin/octet|share/doc/(octet|liboctet-dev)/copyright)$")
if(files)
  message(FATAL_ERROR "the packages have files that do not belong there: ${files}")
endif()
if(NOT BUILD_TYPE MATCHES "Deb")  # debug information contains them
  execute_process(COMMAND grep -rlF "${OCTET_SOURCE_DIR}" "${root}" OUTPUT_VARIABLE found)
  if(found)
    message(FATAL_ERROR "the packages name the folder they were built in, ${OCTET_SOURCE_DIR}: ${found}")
  endif()
endif()

if(PROGRAM)
  execute_process(COMMAND "${root}/usr/bin/octet" inspect builtin:small_cnn OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endif()
octet_use_installed("${root}/usr" "${folder}")
