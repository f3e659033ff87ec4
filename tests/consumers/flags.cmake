# Compiles octet by calling the compiler directly, with nothing but include paths and the flags of one case.
#   cmake -DCASE=plain -DCXX=... "-DINCLUDES=-I...;-I..." -DFOLDER=... -P flags.cmake
file(MAKE_DIRECTORY "${FOLDER}")
function(compile source object)
  execute_process(COMMAND "${CXX}" -std=c++17 ${INCLUDES} ${ARGN} -c "${CMAKE_CURRENT_LIST_DIR}/${source}"
                          -o "${FOLDER}/${object}" COMMAND_ERROR_IS_FATAL ANY)
endfunction()
function(link_and_run)
  list(TRANSFORM ARGN PREPEND "${FOLDER}/" OUTPUT_VARIABLE objects)
  execute_process(COMMAND "${CXX}" ${objects} -o "${FOLDER}/program" -pthread COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND "${FOLDER}/program" COMMAND_ERROR_IS_FATAL ANY)
endfunction()

if(CASE STREQUAL "plain")
  compile(main.cpp main.o)
  compile(other.cpp other.o)
  link_and_run(main.o other.o)
elseif(CASE STREQUAL "mixed_march")  # one file for this machine, one for any
  compile(main.cpp main.o -march=native)
  compile(other.cpp other.o)
  link_and_run(main.o other.o)
elseif(CASE STREQUAL "no_rtti")
  compile(main.cpp main.o -fno-rtti)
elseif(CASE STREQUAL "no_exceptions")
  compile(main.cpp main.o -fno-exceptions -fno-rtti)
  compile(other.cpp other.o -fno-exceptions -fno-rtti)
  link_and_run(main.o other.o)
elseif(CASE STREQUAL "aborts")  # with exceptions, but not to be used
  compile(small.cpp small.o -DOCTET_NO_EXCEPTIONS)
  link_and_run(small.o)
else()
  message(FATAL_ERROR "no such case: ${CASE}")
endif()
