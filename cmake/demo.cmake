# cmake -P cmake/demo.cmake: installs missing packages, builds, trains a small network on synthetic images of shapes,
# quantizes it, continues with quantization-aware training, and compares. With the four files of MNIST or Fashion-MNIST:
#   cmake -P cmake/demo.cmake -- --data folder
# With your own model and images, and any options of octet compare:
#   cmake -P cmake/demo.cmake -- model.onnx folder/of/images --labels labels.txt
include("${CMAKE_CURRENT_LIST_DIR}/setup.cmake")

octet_arguments(arguments)
list(LENGTH arguments count)
if("${arguments}" MATCHES "^(-|$)")
  set(program demo)
  set(target octet_demo)
elseif(count EQUAL 1)
  message(FATAL_ERROR "Expected a model and images: cmake -P cmake/demo.cmake -- MODEL IMAGES [options of octet compare]")
else()
  set(program octet)
  set(target octet_program)
  list(POP_FRONT arguments model images)
  list(PREPEND arguments compare "${model}" --data "${images}")
endif()
octet_configure(-DOCTET_BUILD_EXAMPLES=ON)
octet_build(${target})
list(APPEND arguments --out "${BUILD_DIR}/report")
octet_run("The demonstration" "${BUILD_DIR}/bin/${program}" ${arguments})
