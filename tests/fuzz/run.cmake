# cmake -P tests/fuzz/run.cmake: builds the fuzzers with clang++ in build/fuzz and runs each for 40 seconds, one on each
# core at a time, from the files in tests/fuzz/corpus and what earlier runs have found (in BUILD_DIR/fuzz/corpus). Fails if
# one finds an input that crashes, hangs or takes too much memory, which it leaves in BUILD_DIR/fuzz/findings. Before -P:
#   -DSECONDS=600         another time for each
#   -DRUNS=10000000       instead of a time, the number of inputs, all fuzzers together
#   -DSEED=1              always the same random numbers
#   -DONLY=onnx,image     some of onnx, tflite, octet, image, json, dataset, checkpoint
#   -DBUILD_DIR=folder    another folder for the build
if(NOT BUILD_DIR)
  set(BUILD_DIR "${CMAKE_CURRENT_LIST_DIR}/../../build/fuzz")
endif()
if(NOT DEFINED ENV{CXX})
  set(ENV{CXX} clang++)
endif()
include("${CMAKE_CURRENT_LIST_DIR}/../../cmake/setup.cmake")
octet_cached(tests OCTET_BUILD_TESTS)
if(NOT tests)  # a folder of its own
  set(options -DOCTET_BUILD_TESTS=OFF -DOCTET_BUILD_BENCHMARKS=OFF -DOCTET_BUILD_EXAMPLES=OFF)
endif()
octet_configure(-DOCTET_BUILD_FUZZERS=ON -DOCTET_SANITIZE=address ${options})
octet_build(octet_fuzzers)

set(all onnx tflite octet image json dataset checkpoint)
if(ONLY)
  string(REPLACE "," ";" all "${ONLY}")
endif()
if(RUNS)
  list(LENGTH all count)
  math(EXPR runs "${RUNS} / ${count}")
  set(limit -runs=${runs})
else()
  if(NOT SECONDS)
    set(SECONDS 40)
  endif()
  set(limit -max_total_time=${SECONDS})
endif()

if(SEED)
  list(APPEND limit -seed=${SEED})
endif()

set(work "${BUILD_DIR}/fuzz")
file(MAKE_DIRECTORY "${work}/findings")
cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
set(wrong)
while(all)
  set(commands)
  set(now)
  while(all AND cores GREATER 0)
    list(POP_FRONT all name)
    list(APPEND now ${name})
    file(MAKE_DIRECTORY "${work}/corpus/${name}")
    list(APPEND commands COMMAND "${BUILD_DIR}/bin/octet_fuzz_${name}" ${limit} -timeout=30 -rss_limit_mb=2048 -malloc_limit_mb=512
         -max_len=16384 -verbosity=0 -print_funcs=0 -print_final_stats=1 "-artifact_prefix=${work}/findings/${name}-" "${work}/corpus/${name}"
         "${CMAKE_CURRENT_LIST_DIR}/corpus/${name}")
    math(EXPR cores "${cores} - 1")
  endwhile()
  # The commands run at the same time. (Each writes to stderr only, so it is no matter that the output goes to the next.)
  list(JOIN now " " text)
  message(STATUS "Fuzzing: ${text}")
  execute_process(${commands} RESULTS_VARIABLE results)
  foreach(name result IN ZIP_LISTS now results)
    if(NOT result EQUAL 0)
      list(APPEND wrong "${name} (${result})")
    endif()
  endforeach()
  cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
endwhile()
if(wrong)
  list(JOIN wrong ", " text)
  message(FATAL_ERROR "Fuzzing found errors: ${text}; see above, and the inputs in ${work}/findings")
endif()
