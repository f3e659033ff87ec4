# cmake -P cmake/test.cmake: installs what is missing, builds the tests and runs them. Options of the configuration
# may follow: cmake -P cmake/test.cmake -- -DOCTET_WERROR=ON; and -DBUILD_DIR=folder before -P takes another folder.
include("${CMAKE_CURRENT_LIST_DIR}/setup.cmake")

set(shared "")  # real models and images, which some tests use where they are
if(EXISTS "${octet_root}/../shared/models")
  get_filename_component(shared "${octet_root}/../shared" ABSOLUTE)
endif()
octet_arguments(options)
octet_configure(-DOCTET_BUILD_TESTS=ON "-DOCTET_SHARED_DIR=${shared}" ${options})
octet_build(all)
cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
octet_run("Testing" "${CMAKE_CTEST_COMMAND}" --test-dir "${BUILD_DIR}" --output-on-failure -j ${cores})
