# cmake -P cmake/test.cmake: installs missing packages, builds the tests and runs them. Options for the configuration can
# follow: cmake -P cmake/test.cmake -- -DOCTET_WERROR=ON. -DBUILD_DIR=folder before -P sets another build folder.
include("${CMAKE_CURRENT_LIST_DIR}/setup.cmake")

set(shared "")  # folder of real models and images, which some tests use if it exists
if(EXISTS "${octet_root}/../shared/models")
  get_filename_component(shared "${octet_root}/../shared" ABSOLUTE)
endif()
octet_arguments(options)
octet_configure(-DOCTET_BUILD_TESTS=ON "-DOCTET_SHARED_DIR=${shared}" ${options})
octet_build(all)
cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
octet_run("Testing" "${CMAKE_CTEST_COMMAND}" --test-dir "${BUILD_DIR}" --output-on-failure --no-tests=error -j ${cores})
