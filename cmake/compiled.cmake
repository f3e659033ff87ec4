# octet::compiled: the definitions of the headers, compiled once, in objects that are built in parallel. Each group of
# folders in include/octet is one object, and so are the kernels of each instruction set, which take longest. The sources
# are generated here: each includes the .inl files of its group.
set(octet_objects_dir "${CMAKE_CURRENT_BINARY_DIR}/octet_compiled")

# octet_object(NAME FILES ...): adds a source that includes these files, relative to include/octet.
function(octet_object name)
  set(content)
  foreach(file ${ARGN})
    string(APPEND content "#include <octet/${file}>\n")
  endforeach()
  file(CONFIGURE OUTPUT "${octet_objects_dir}/${name}.cpp" CONTENT "${content}" @ONLY)
  set(octet_objects ${octet_objects} "${octet_objects_dir}/${name}.cpp" PARENT_SCOPE)
endfunction()

# octet_room(NAME FOLDERS_OR_FILES ...): adds an object with all definitions in the folders and files.
function(octet_room name)
  set(files)
  set(named)
  foreach(item ${ARGN})
    if(item MATCHES "[.]inl$")
      list(APPEND named ${item})
      continue()
    endif()
    file(GLOB found RELATIVE "${PROJECT_SOURCE_DIR}/include/octet" CONFIGURE_DEPENDS
         "${PROJECT_SOURCE_DIR}/include/octet/${item}/*.inl")
    list(APPEND files ${found})
  endforeach()
  list(REMOVE_ITEM files ${octet_elsewhere})
  if(OCTET_MISSING_IO)  # requires Eigen and nlohmann-json
    list(REMOVE_ITEM files models/fit_classifier.inl quantization/calibration_file.inl)
  endif()
  list(APPEND files ${named})
  if(files)
    octet_object(${name} ${files})
  endif()
  set(octet_objects ${octet_objects} PARENT_SCOPE)
endfunction()

# Files that are not in the object of their folder: quantize.inl, so that programs of tensors alone link no networks;
# products, which compile most of what convolutions do; and files of quantization that run once.
set(octet_products operators/fully_connected.inl operators/matmul.inl operators/onnx_integer.inl)
set(octet_reports quantization/plan_file.inl)
if(NOT OCTET_MISSING_IO)
  list(APPEND octet_reports quantization/calibration_file.inl)
endif()
set(octet_elsewhere quantization/quantize.inl ${octet_products} ${octet_reports})

# Builds start them in this order: those that compile longest come early, after those whose speed matters, since linkers
# take an inline function that several objects have from the first. Folders share an object where they include the same
# headers and have the same optimization.
set(octet_objects)
octet_room(operators operators)
octet_room(arithmetic operators/arithmetic operators/pooling operators/resize operators/shape)
octet_room(products operators/convolution ${octet_products})
octet_room(quantization quantization training/qat)
octet_room(training training)
if(NOT OCTET_MISSING_IO)
  octet_room(data data)
  octet_room(comparison comparison io model_file)
  octet_room(exporters export export/onnx export/tflite export/cpp)
  octet_room(importers import import/onnx import/tflite)
else()
  octet_object(sources export/cpp/cpp.inl)
  octet_object(preprocessing data/preprocessing.inl)
endif()
octet_room(runtime passes runtime models ${octet_reports})
file(GLOB tables RELATIVE "${PROJECT_SOURCE_DIR}/include/octet" "${PROJECT_SOURCE_DIR}/include/octet/kernels/tables/*.inl")
foreach(table ${tables})
  get_filename_component(isa "${table}" NAME_WE)
  octet_object(kernels_${isa} ${table})
  list(APPEND octet_kernel_objects "${octet_objects_dir}/kernels_${isa}.cpp")
endforeach()
octet_room(base core files graph kernels)
octet_room(tensors quantization/quantize.inl)
octet_object(try try.inl)

add_library(octet_compiled ${octet_objects})
add_library(octet::compiled ALIAS octet_compiled)
set_target_properties(octet_compiled PROPERTIES OUTPUT_NAME octet EXPORT_NAME compiled VERSION ${PROJECT_VERSION}
                                                SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
if(BUILD_SHARED_LIBS)  # exports its symbols even in projects that hide theirs
  set_target_properties(octet_compiled PROPERTIES CXX_VISIBILITY_PRESET default VISIBILITY_INLINES_HIDDEN OFF)
endif()
target_compile_definitions(octet_compiled PUBLIC OCTET_COMPILED)
target_compile_features(octet_compiled PUBLIC cxx_std_17)
target_include_directories(octet_compiled PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
                                                 "$<INSTALL_INTERFACE:include>")
target_link_libraries(octet_compiled PUBLIC octet::threads PRIVATE "$<BUILD_INTERFACE:octet::xsimd>")
if(NOT OCTET_MISSING_IO)
  target_link_libraries(octet_compiled
                        PRIVATE octet::zlib "$<BUILD_INTERFACE:octet::eigen;octet::protozero;octet::flatbuffers>"
                                "$<BUILD_INTERFACE:octet::stb;octet::json>")
endif()
if(TARGET octet_warnings)
  target_link_libraries(octet_compiled PRIVATE "$<BUILD_INTERFACE:octet_warnings>")
endif()
# Optimized even without a build type; the kernels also in debug builds.
if(NOT MSVC)
  target_compile_options(octet_compiled PRIVATE -ffunction-sections -fdata-sections)  # for --gc-sections
  # Code that runs once per model is compiled for size, and without passes of g++ that take long and gain nothing there.
  set(octet_once -Os)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    foreach(pass gcse ipa-cp ipa-icf ipa-sra schedule-insns2 thread-jumps tree-dominator-opts tree-pre tree-pta tree-vrp)
      list(APPEND octet_once -fno-${pass})
    endforeach()
  endif()
  foreach(room importers exporters runtime comparison)
    set_property(SOURCE "${octet_objects_dir}/${room}.cpp" PROPERTY COMPILE_OPTIONS "$<$<CONFIG:Release>:${octet_once}>")
  endforeach()
  set(level $<IF:$<STREQUAL:${OCTET_SANITIZE},address>,-O1,-O2>)
  target_compile_options(octet_compiled PRIVATE $<$<OR:$<CONFIG:>,$<BOOL:${OCTET_SANITIZE}>>:${level}>)
  set_source_files_properties(${octet_kernel_objects} PROPERTIES COMPILE_OPTIONS ${level})
endif()
if(NOT top_level)
  set_target_properties(octet_compiled PROPERTIES EXCLUDE_FROM_ALL ON)
endif()
