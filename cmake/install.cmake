# cmake --install: headers, the program, and what find_package(octet) reads.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(octet_config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/octet")

install(DIRECTORY include/octet DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(TARGETS octet EXPORT octetTargets)
install(TARGETS octet_io EXPORT octetIoTargets)
if(top_level)
  install(TARGETS octet_compiled EXPORT octetCompiledTargets)
  install(EXPORT octetCompiledTargets NAMESPACE octet:: DESTINATION "${octet_config_dir}")
endif()
install(EXPORT octetTargets NAMESPACE octet:: DESTINATION "${octet_config_dir}")
install(EXPORT octetIoTargets NAMESPACE octet:: DESTINATION "${octet_config_dir}")
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/octetConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES cmake/octetConfig.cmake cmake/octetDependencies.cmake
              "${CMAKE_CURRENT_BINARY_DIR}/octetConfigVersion.cmake" DESTINATION "${octet_config_dir}")

# pkg-config: octet (headers only) and octet-compiled.
foreach(name octet octet-compiled)
  configure_file(cmake/${name}.pc.in "${CMAKE_CURRENT_BINARY_DIR}/${name}.pc" @ONLY)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/${name}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endforeach()
