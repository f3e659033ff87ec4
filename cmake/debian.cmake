# cpack (after a build) makes Debian packages: liboctet-dev with headers, the compiled library and files for CMake and
# pkg-config, and octet with the program. Configure with -DCMAKE_INSTALL_PREFIX=/usr for the folders of Debian (lib/x86_64-linux-gnu).
if(NOT top_level OR BUILD_SHARED_LIBS)
  return()
endif()
set(CPACK_GENERATOR DEB)
set(OCTET_PACKAGE_CONTACT "octet contributors <octet@localhost>" CACHE STRING "Maintainer of the packages")
set(CPACK_PACKAGE_CONTACT "${OCTET_PACKAGE_CONTACT}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "quantizes convolutional networks and runs them fast")
set(CPACK_PACKAGE_VENDOR "octet contributors")
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
                                                WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL dev)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)

# Dependencies of octet::octet and octet::compiled; the headers for octet::io are optional.
set(CPACK_DEBIAN_DEV_PACKAGE_NAME liboctet-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libxsimd-dev (>= 8)")
if(NOT OCTET_MISSING_IO)
  string(APPEND CPACK_DEBIAN_DEV_PACKAGE_DEPENDS ", zlib1g-dev")
endif()
set(CPACK_DEBIAN_DEV_PACKAGE_RECOMMENDS
    "libeigen3-dev, libprotozero-dev, libflatbuffers-dev, libstb-dev, nlohmann-json3-dev, zlib1g-dev")
set(CPACK_DEBIAN_DEV_DESCRIPTION
    "C++17 headers, the library of their compiled definitions, and files for CMake and\npkg-config."
)
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/liboctet-dev" RENAME copyright COMPONENT dev
        EXCLUDE_FROM_ALL)

if(TARGET octet_program)
  list(APPEND CPACK_COMPONENTS_ALL program)
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME octet)
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
  find_program(OCTET_SHLIBDEPS dpkg-shlibdeps)
  mark_as_advanced(OCTET_SHLIBDEPS)
  if(OCTET_SHLIBDEPS)  # finds the libraries that the program is linked to, and their versions
    set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
  else()
    set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS "libc6, libstdc++6, libgcc-s1, zlib1g")
  endif()
  set(CPACK_DEBIAN_PROGRAM_DESCRIPTION
      "The program octet: quantizes .onnx and .tflite models to int8 and half precision,\nand measures their accuracy, size and speed."
  )
  install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/octet" RENAME copyright COMPONENT program
          EXCLUDE_FROM_ALL)
endif()
include(CPack)
