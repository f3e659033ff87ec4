# cmake -P cmake/demo.cmake: installs what is missing, builds the program octet and compares a small network with its
# quantized forms. With a model and images of your own, and any options of octet compare:
#   cmake -P cmake/demo.cmake -- model.onnx folder/of/images --labels labels.txt
include("${CMAKE_CURRENT_LIST_DIR}/setup.cmake")

octet_arguments(arguments)
list(LENGTH arguments count)
if(count EQUAL 1)
  message(FATAL_ERROR "Give a model and images: cmake -P cmake/demo.cmake -- MODEL IMAGES [options of octet compare]")
elseif(count GREATER 1)
  list(POP_FRONT arguments model images)
  list(PREPEND arguments --data "${images}")
else()
  set(model builtin:small_cnn)
endif()
octet_configure(-DOCTET_BUILD_EXAMPLES=ON)
octet_build(octet_program)
octet_run("octet compare" "${BUILD_DIR}/bin/octet" compare "${model}" --out "${BUILD_DIR}/report" ${arguments})
