# Configures, builds and runs a consumer project.
#   cmake -DCONSUMER=find_package -DOCTET_SOURCE_DIR=... -DOCTET_BINARY_DIR=... -DCXX=... -DGENERATOR=... \
#     -DLIBRARIES=... -P run.cmake
set(folder "${OCTET_BINARY_DIR}/consumers/${CONSUMER}")
file(REMOVE_RECURSE "${folder}")
set(options)
if(CONSUMER STREQUAL "find_package")
  execute_process(COMMAND "${CMAKE_COMMAND}" --install "${OCTET_BINARY_DIR}" --prefix "${folder}/prefix"
                          OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  set(options "-DCMAKE_PREFIX_PATH=${folder}/prefix")
elseif(CONSUMER STREQUAL "add_subdirectory")
  set(options "-DOCTET_SOURCE_DIR=${OCTET_SOURCE_DIR}")
else()
  set(options "-DFETCHCONTENT_SOURCE_DIR_OCTET=${OCTET_SOURCE_DIR}")
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/${CONSUMER}" -B "${folder}/build"
                        -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${CXX}" -DCMAKE_CXX_FLAGS=-DOCTET_NO_OPTIMIZATION_MESSAGE
                        ${LIBRARIES} ${options} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${folder}/build" COMMAND_ERROR_IS_FATAL ANY)
file(GLOB programs "${folder}/build/consumer" "${folder}/build/with_io" "${folder}/build/compiled")
if(NOT programs)
  message(FATAL_ERROR "no program was built")
endif()
foreach(program ${programs})
  execute_process(COMMAND "${program}" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
