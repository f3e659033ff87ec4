# The target docs: the API reference of the public headers, by Doxygen, in the folder docs/html of the build.
# Fails if a public name has no comment; docs/warnings.txt lists them.
find_program(OCTET_DOXYGEN doxygen)
mark_as_advanced(OCTET_DOXYGEN)
if(NOT OCTET_DOXYGEN)
  return()
endif()

set(OCTET_DOCS_DIR "${CMAKE_CURRENT_BINARY_DIR}/docs")
set(OCTET_DOCS_INPUT "\"${OCTET_DOCS_DIR}/start.dox\"")
file(STRINGS cmake/public_headers.txt lines REGEX "^[a-z]")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS cmake/public_headers.txt)
foreach(line ${lines})
  string(REGEX REPLACE " .*" "" header "${line}")
  string(APPEND OCTET_DOCS_INPUT " \\\n    \"${PROJECT_SOURCE_DIR}/include/octet/${header}\"")
endforeach()
file(CONFIGURE OUTPUT "${OCTET_DOCS_DIR}/start.dox" CONTENT [[
/** @mainpage octet
 * Everything that programs may use is in the namespace octet. To begin with: octet::load, octet::calibrate,
 * octet::quantize, octet::Executor, octet::save, octet::Trainer.
 *
 * The guide, the cookbook and the pages on performance and formats are in the folder docs of the sources.
 */
/** @namespace octet
 * All public names.
 */
]])
configure_file(docs/Doxyfile.in "${OCTET_DOCS_DIR}/Doxyfile" @ONLY)
add_custom_target(docs
  COMMAND "${OCTET_DOXYGEN}" "${OCTET_DOCS_DIR}/Doxyfile"
  COMMAND "${CMAKE_COMMAND}" "-DWARNINGS=${OCTET_DOCS_DIR}/warnings.txt" -P "${PROJECT_SOURCE_DIR}/cmake/docs_warnings.cmake"
  COMMENT "API reference: ${OCTET_DOCS_DIR}/html/index.html")
